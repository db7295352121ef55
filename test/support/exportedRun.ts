import { readdirSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { startApp, type TestApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { recordedRow, recordedSteps, recordRun } from '~/test/support/recordedRun';
import { series } from '~/test/support/synthetic';

export const folder = ownFolder();
export const inside = (name: string) => path.join(folder.path, name);

export let app: TestApp;
export let recorded: Awaited<ReturnType<typeof recordRun>>;

/** Before all tests of a file. */
export async function begin(): Promise<void> {
  recorded = await recordRun(inside('from'));
  app = await startApp({ dataFolder: inside('from') });
}

/** After all. */
export async function end(): Promise<void> {
  await app.close();
  folder.remove();
}

export const exported = (query: string, from: Pick<TestApp, 'url'> = app) =>
  fetch(`${from.url}/api/runs/record1/export?${query}`);
export const bytesOf = async (query: string) => {
  const answer = await exported(query);
  expect([answer.status, answer.ok ? '' : await answer.text()]).toEqual([200, '']);
  return Buffer.from(await answer.arrayBuffer());
};

export const imported = async (to: Pick<TestApp, 'url'>, bytes: Uint8Array, name = 'file') => {
  const answer = await fetch(`${to.url}/api/import?name=${encodeURIComponent(name)}`, {
    method: 'POST',
    body: bytes as Uint8Array<ArrayBuffer>,
  });
  return { status: answer.status, body: (await answer.json()) as { runId?: string; error?: string } };
};

export const inForce = Array.from({ length: recordedSteps }, (_, step) => recordedRow(step));
export const names = series.map((s) => s.name);
export const rowsOf = async (of: TestApp, runId: string, count = recordedSteps) => {
  const { series: columns } = await of.hub.store.range({ runId, series: null, fromStep: 0, toStep: null, buckets: 4000 });
  return Array.from({ length: count }, (_, step) => Object.values(columns).map((c) => c.last[step]!));
};

export const filesOf = (data: string) =>
  readdirSync(data, { recursive: true, withFileTypes: true })
    .filter((f) => f.isFile() && /blobs|imports/.test(f.parentPath))
    .map((f) => f.name);

/** Data written by version 0.1, and its own description of the data (test/fixtures/v01, made by make01.ts). */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from '~/shared/json';
import { root } from './root';

type Fields = Record<string, unknown>;
export type Cell = number | 'NaN' | 'Infinity' | '-Infinity';
export type RunKey = 'reverse' | 'branch' | 'csv' | 'anomaly' | 'unfinished' | 'queued';

/** A run of version 0.1; blobs are replaced by hash and size. */
export interface Run01 extends Fields {
  runId: string;
  name: string;
  task: string;
  seq: number;
  tenure: number;
  step: number;
  status: string;
  statusMessage: string;
  config: Fields;
  series: string[];
  evaluations: Fields[];
  checkpoints: Fields[];
  snapshots: Fields[];
  analyses: Fields[];
  commands: Fields[];
  notes: Fields[];
  alerts: Fields[];
  statuses: Fields[];
  deeds: { seq: number; step: number; type: string }[];
  signals: { steps: number[]; names: string[]; layers: number; heads: number };
  /** seq, number of seqs, attempt, type, step of each entry; superseded entries too. */
  log: [number, number, number, string, number | null][];
  columns: string[];
  rows: Cell[][];
}

export interface Expected01 {
  measuredColumns: string[];
  ids: Record<RunKey, string>;
  team: { people: Fields[]; tokens: Fields[]; needsApproval: string[]; watchdogs: Fields };
  audit: { rows: number; last: Fields; types: string[] };
  list: Fields[];
  openQuestions: Fields[];
  checkpointFile: { step: number; hash: string };
  runs: Record<RunKey, Run01>;
  resumed: {
    statusMessage: string;
    step: number;
    evaluations: Fields[];
    commands: { id: string; outcome: Fields }[];
    checkpoints: { step: number; hash: string }[];
    columns: string[];
    rows: Cell[][];
  };
}

export const folder01 = path.join(root, 'test/fixtures/v01');
export const expected01 = parse(readFileSync(path.join(folder01, 'expected.json'), 'utf8')) as Expected01;

/** Unpacks the data folder of 0.1 into `folder`. @returns its path */
export function unpack01(folder: string): string {
  execFileSync('tar', ['xzf', path.join(folder01, 'data.tar.gz'), '-C', folder]);
  return path.join(folder, 'data');
}

/** The item with the current names. */
export function inWordsOfToday(item: Fields): Fields {
  const words: Record<string, string> = { occasion: 'trigger', place: 'position', tenure: 'attempt' };
  const renamed = Object.fromEntries(Object.entries(item).map(([key, value]) => [words[key] ?? key, value]));
  const { loss, accuracy, validationAccuracy, ...rest } = renamed;
  const metric = (value: unknown, main: boolean) => ({
    name: 'accuracy',
    value,
    role: 'accuracy',
    better: 'higher',
    ...(main && { main }),
  });
  if (item.type === 'evaluation')
    return { ...rest, metrics: [{ name: 'loss', value: loss, role: 'loss' }, metric(accuracy, item.split === 'validation')] };
  if (item.type !== 'checkpoint') return renamed;
  return {
    ...rest,
    ...(typeof validationAccuracy === 'number' && { main: { split: 'validation', metric: metric(validationAccuracy, true) } }),
  };
}

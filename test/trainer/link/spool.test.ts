import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TrainerEvent } from '~/shared/events';
import { CommittedLog, flattenAll } from '~/test/support/scriptedServer';
import { Outbox } from '~/trainer/link/outbox';
import { Spool } from '~/trainer/link/spool';
import { sweepSpools } from '~/trainer/link/start';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'headroom-spool-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const row = (step: number): TrainerEvent => ({
  type: 'rows',
  stream: 'steps',
  steps: { first: step, count: 1 },
  values: Float64Array.of(step, Number.NaN, -step),
});

describe('the spool', () => {
  it('gives back from disk what memory no longer holds, in order and to the bit', () => {
    const spool = new Spool(join(folder, 'a'), { segmentBytes: 1000, memoryBytes: 2000 });
    const outbox = new Outbox(spool);
    const produced = Array.from({ length: 500 }, (_, i) => row(i));
    for (const e of produced) outbox.append(e);
    expect(readdirSync(join(folder, 'a')).length).toBeGreaterThan(50);

    const server = new CommittedLog();
    while (!outbox.drained) {
      const batch = outbox.take()!;
      server.commit(batch.from, batch.events);
      outbox.answered(batch, { ok: true, nextEvent: server.nextEvent });
    }
    expect(server.flat).toEqual(flattenAll(produced));
  });

  it('takes up again at any number, on disk or in memory', () => {
    const spool = new Spool(join(folder, 'a'), { segmentBytes: 1000, memoryBytes: 2000 });
    for (let i = 0; i < 200; i++) spool.append({ number: i, event: row(i) });
    for (const number of [0, 1, 77, 150, 199]) expect(spool.read(number, 1, 1)).toEqual([{ number, event: row(number) }]);
    expect(spool.read(120, 3, 1e6).map((n) => n.number)).toEqual([120, 121, 122]);
    expect(spool.read(200, 10, 1e6)).toEqual([]);
  });

  it('deletes what is committed: the bytes on disk stay bounded by what is not', () => {
    const spool = new Spool(join(folder, 'a'), { segmentBytes: 1000 });
    for (let i = 0; i < 1000; i++) spool.append({ number: i, event: row(i) });
    const full = spool.bytes;
    spool.trim(990);
    expect(spool.bytes).toBeLessThan(full / 20);
    expect(spool.read(990, 1, 1)).toEqual([{ number: 990, event: row(990) }]);
  });

  it('keeps a blob until the last event that names it is committed', () => {
    const spool = new Spool(join(folder, 'a'));
    const bytes = new Uint8Array([1, 2, 3]);
    spool.putBlob('aa', bytes, 4);
    spool.putBlob('aa', bytes, 9);
    expect(spool.bytes).toBe(3);
    spool.trim(9);
    expect(spool.blob('aa')).toEqual(Buffer.from(bytes));
    spool.trim(10);
    expect([spool.blob('aa'), spool.bytes, readdirSync(join(folder, 'a'))]).toEqual([null, 0, []]);
  });

  it('gives a blob out to be uploaded until it was, and again when the server has lost it', () => {
    const spool = new Spool(join(folder, 'a'));
    const bytes = new Uint8Array([1, 2, 3]);
    spool.putBlob('aa', bytes, 4);
    spool.setUploaded('aa', true);
    expect([spool.blob('aa'), spool.bytes]).toEqual([null, 3]);
    spool.putBlob('aa', bytes, 9);
    expect(spool.blob('aa')).toBeNull();
    spool.setUploaded('aa', false);
    expect(spool.blob('aa')).toEqual(Buffer.from(bytes));
    spool.trim(10);
    spool.setUploaded('aa', false);
    expect([spool.blob('aa'), spool.bytes]).toEqual([null, 0]);
  });

  it('is removed at the next start when its process was killed, and left alone while it lives', () => {
    // Above the largest pid Linux gives out (4194304).
    mkdirSync(join(folder, '4194305-dead'));
    mkdirSync(join(folder, `${process.pid}-live`));
    mkdirSync(join(folder, 'something else'));
    sweepSpools(folder);
    expect(readdirSync(folder).sort()).toEqual([`${process.pid}-live`, 'something else'].sort());
  });
});

import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { numbersOf, readEvent } from '~/server/runs/readEvent';
import { pack, unpack } from '~/shared/pack';
import { eventBatch } from '~/shared/protocol';
import { goldenFrames } from '~/test/support/goldenFrames';

const { pack: plainPack } = createRequire(import.meta.url)('../fixtures/plainTrainer.mjs') as { pack: typeof pack };

describe.each(goldenFrames())('the golden frame $name', ({ message, bytes }) => {
  it('is what the program packs, and what it unpacks is the message', () => {
    expect([...pack(message)]).toEqual([...bytes]);
    expect(unpack(bytes)).toEqual(message);
  });

  it('is what a client packs that was written from the page alone', () => {
    expect([...plainPack(message)]).toEqual([...bytes]);
  });

  it('holds only events that fit, with numbers that go on from the frame before', () => {
    const batch = eventBatch.parse(unpack(bytes));
    for (const event of batch.events) expect(readEvent(event)).toMatchObject({ ok: true });
    const next = batch.from + batch.events.reduce((n: number, e) => n + numbersOf(e), 0);
    expect([0, 4, 11, 19, 22]).toContain(batch.from);
    expect([4, 11, 19, 22]).toContain(next);
  });
});

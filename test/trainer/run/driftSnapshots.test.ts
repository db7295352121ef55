import { expect, it } from 'vitest';
import { type Draft, ofType, record, resumeFrom, Script, smallConfig } from '~/test/support/trainRun';

/** 15 steps; a snapshot every 8. */
const config = smallConfig((c) => {
  c.snapshotEverySteps = 8;
  c.checkpointEverySteps = 9;
});
const stepsOf = (run: Awaited<ReturnType<typeof record>>) => ofType(run, 'snapshot').map((s) => s.step);

it('off, the interval alone decides', async () => {
  expect(stepsOf(await record({ config }))).toEqual([0, 8, 15]);
});

it('a snapshot that drifted more than the threshold is followed by one a quarter of the interval later, as long as it does', async () => {
  const script = new Script([
    [1, { control: 'snapshotDrift', value: 0 }],
    [11, { control: 'snapshotDrift', value: 1 }],
  ]);
  // 8 drifted: 10 follows; it drifted too: 12; nothing drifts more than 1: none after it but the last.
  expect(stepsOf(await record({ config, script }))).toEqual([0, 8, 10, 12, 15]);
});

it('a run resumed between the two takes the same snapshots, bit for bit', async () => {
  const whole = await record({ config, script: new Script([[1, { control: 'snapshotDrift', value: 0 }]]) });
  expect(stepsOf(whole)).toEqual([0, 8, 10, 12, 14, 15]);
  const resumed = await record({ config, runId: 'run000', resume: resumeFrom(whole, 9) });
  const hashes = (run: typeof whole, from: number) =>
    ofType(run, 'snapshot')
      .filter((s) => s.step >= from)
      .map((s) => [s.step, s.signals]);
  expect(hashes(resumed, 10)).toEqual(hashes(whole, 10));
});

it('snapshots that somebody asks for leave no trace in those of the run itself', async () => {
  const sets: [number, Draft][] = [
    [1, { control: 'snapshotDrift', value: 0 }],
    [11, { control: 'snapshotDrift', value: 1 }],
  ];
  const asked: [number, Draft][] = [3, 9, 10, 11, 13, 15].map((step) => [step, { action: 'snapshot' }]);
  const own = async (script: [number, Draft][]) =>
    ofType(await record({ config, script: new Script(script.toSorted(([a], [b]) => a - b)) }), 'snapshot')
      .filter((s) => s.commandId === null)
      .map(({ step, trigger, blob, signals }) => ({ step, trigger, blob, signals }));
  const alone = await own(sets);
  expect(alone.map((s) => s.step)).toEqual([0, 8, 10, 12, 15]);
  expect(await own([...sets, ...asked])).toEqual(alone);
});

it('a threshold outside 0 to 1 is refused by name', async () => {
  const run = await record({ config, script: new Script([[1, { control: 'snapshotDrift', value: 2 }]]) });
  expect(ofType(run, 'command.refused')).toMatchObject([
    { reason: 'invalid', message: expect.stringContaining('snapshotDrift: 2 does not fit') },
  ]);
});

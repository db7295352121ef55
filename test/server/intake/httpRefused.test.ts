import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { app, begin, end, opened, post } from '~/test/support/httpIntake';

beforeAll(begin);
afterAll(end);

describe('what a program says over HTTP', () => {
  it('nested too deep is refused with a limit, wherever it stands', async () => {
    await opened('deep-nested');
    const lists = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    const words = 'it is nested deeper than the 100 levels that are taken';
    for (const [what, body] of [
      ['log', `{"a": ${lists(20_000)}}`],
      ['log', lists(20_000)],
      ['summary', `{"a": ${lists(100)}}`],
      ['setup', `{"config": {"a": ${lists(20_000)}}}`],
    ] as const) {
      const { status, body: said } = await post(`/api/runs/deep-nested/${what}`, body);
      expect([what, status, said.error]).toEqual([what, 400, `line 1: no JSON: ${words}`]);
    }
    expect((await post('/api/runs', `{"config": ${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`)).body.error).toContain(words);
    expect((await post('/api/runs/deep-nested/setup', `{"config": {"a": ${lists(8)}}}`)).status).toBe(200);
  });

  it('that the log would set aside is refused as well: a description that contradicts the first one', async () => {
    await opened('described');
    const say = async (what: string, body: unknown) => {
      const { status, body: said } = await post(`/api/runs/described/${what}`, body);
      return [status, said.field, said.error];
    };
    await say('define', { name: 'bits', unit: 'bit' });
    expect(await say('define', { name: 'bits', unit: 'nats' })).toEqual([
      400,
      'unit',
      'unit: series "bits" was declared with unit "bit" and keeps it, got "nats"; give "bit", or the series another name',
    ]);
    expect(
      await say('define', [
        { name: 'new', unit: 's' },
        { name: 'new', unit: 'ms' },
      ]),
    ).toEqual([
      400,
      '1.unit',
      '1.unit: series "new" was declared with unit "s" and keeps it, got "ms"; give "s", or the series another name',
    ]);
    expect(await say('define', { name: 'bits', group: 'data' })).toEqual([200, undefined, undefined]);
  });

  it('is refused with its field and what would fit, and nothing of it is kept', async () => {
    const runId = await opened('refusals');
    await post('/api/runs/refusals/log', { loss: 1 });
    const before = (await app.hub.view(runId))!.seq;
    const say = async (what: string, body: unknown) => {
      const { status, body: said } = await post(`/api/runs/refusals/${what}`, body);
      return [status, said.field, said.error];
    };
    expect(await say('log', '{"loss": 2}\n{"loss": "two"}')).toEqual([
      400,
      '1.loss',
      '1.loss: a number is needed (or "NaN", "Infinity", "-Infinity"), got "two"',
    ]);
    expect(
      await say('log', [
        { step: 5, values: { loss: 1 } },
        { step: 5, values: { loss: 2 } },
      ]),
    ).toEqual([
      409,
      '1.step',
      '1.step: "loss" has a value at step 5 already; step 5 does not come after it (to go back, rewind first)',
    ]);
    expect((await say('log', '{"loss": 1'))[2]).toMatch(/^line 1: no JSON: /);
    expect(await say('log', { step: 0, values: { loss: 2 } })).toEqual([
      409,
      'step',
      'step: "loss" has a value at step 0 already; step 0 does not come after it (to go back, rewind first)',
    ]);
    expect(await say('log', { step: 3, tme: 1, values: { loss: 2 } })).toEqual([
      400,
      'tme',
      'there is no field "tme"; known are step, time, values',
    ]);
    expect(await say('log', { step: 3, time: 1_764_446_000.25, loss: 2 })).toEqual([
      400,
      'time',
      'time: 1764446000.25 is a time in seconds; give ms since 1970: 1764446000250',
    ]);
    expect(await say('log', { step: 3, time: 1e300, values: { loss: 2 } })).toEqual([
      400,
      'time',
      'time: give ms since 1970, from -8.64e15 to 8.64e15',
    ]);
    expect(await say('log', { '': 1 })).toEqual([400, '', '"": a name has 1 to 512 characters']);
    // Neither UTF-8 nor the store can hold half a character.
    expect(await say('log', '{"half \\ud800": 1}')).toEqual([
      400,
      'stream',
      'stream: it contains half a character (a surrogate without its pair); columns.0.name: it contains half a character (a surrogate without its pair)',
    ]);
    expect(await say('evaluation', { split: 'test', metrics: {} })).toEqual([400, 'metrics', 'metrics: it must not be empty']);
    expect(await say('evaluation', { split: 'test' })).toEqual([
      400,
      'metrics',
      'metrics: give an object of numbers by name, not nothing',
    ]);
    expect(await say('evaluation', { split: 'test', metrics: { loss: 'low' } })).toEqual([
      400,
      'metrics.loss',
      'metrics.loss: a number is needed (or "NaN", "Infinity", "-Infinity"), got "low"',
    ]);
    expect(await say('setup', { color: 'red' })).toEqual([
      400,
      'color',
      'there is no field "color"; known are type, name, notes, tags, config, removed',
    ]);
    expect(await say('define', { name: 'loss', better: 'up' })).toEqual([
      400,
      'better',
      'better: give "lower" or "higher", not "up"',
    ]);
    expect(await say('define', { name: 'loss', role: 'speed' })).toEqual([400, 'role', expect.stringMatching(/^role: give "/)]);
    expect(await say('histogram', { name: 'h', edges: [0, 1], counts: [1, 2] })).toEqual([
      400,
      'counts',
      'counts: a histogram of n counts needs n + 1 edges',
    ]);
    expect(await say('table', { name: 't', columns: ['a', 'b'], rows: [[1, 2], [3]] })).toEqual([
      400,
      'rows',
      'rows: every row of a table needs one cell per column',
    ]);
    expect(await say('answers', { id: 'nobody-asked' })).toEqual([404, 'id', 'id: no command nobody-asked waits for an answer']);
    expect(await say('setup', { config: { long: 'x'.repeat(70_000) } })).toEqual([
      400,
      'config',
      expect.stringMatching(/^config: \d+ bytes as JSON; at most 65536 fit$/),
    ]);
    expect((await say('sing', {}))[0]).toBe(404);
    expect((await app.hub.view(runId))!.seq).toBe(before);
    expect(await post('/api/runs/no-such-run/log', { loss: 1 })).toEqual({
      status: 404,
      body: { error: 'run: there is no run no-such-run, and none with this key', field: 'run' },
    });
    expect(await post('/api/runs', { key: 'refusals' })).toEqual({
      status: 409,
      body: { error: `key: run ${runId} has this key; to go on with it, open it with resume "allow" or "must"`, field: 'key' },
    });
    expect(await post('/api/runs', { key: 'short' })).toEqual({
      status: 400,
      body: { error: 'key: 8 to 128 characters, none of them a control character', field: 'key' },
    });
    expect(await post('/api/runs', { key: 'controls', controls: [{ name: 'l r', type: 'number' }] })).toEqual({
      status: 400,
      body: {
        error: 'controls.values.0.name: a name begins with a letter, a digit or "_" and goes on with these and . / : -',
        field: 'controls.values.0.name',
      },
    });
    expect(await post('/api/runs/refusals/log', 'x'.repeat(17 * 2 ** 20))).toEqual({
      status: 413,
      body: { error: 'the body has 17825792 bytes, at most 16777216 are taken: send it in parts', field: null },
    });
    const stranger = { authorization: 'Bearer wrong' };
    expect((await post('/api/runs/refusals/log', { loss: 1 }, stranger)).status).toBe(401);
  });
});

import { afterAll, describe, expect, it } from 'vitest';
import { crc32c, encodeEvent, recordOf } from '~/server/base/tensorboardEvents';
import { ownFolder } from '~/test/support/folder';
import { eventFile, type Files, planFiles, readFiles, scalars } from '~/test/support/importing';

const folder = ownFolder();
afterAll(folder.remove);
const one = async (files: Files | Buffer) => {
  const { runs, refused } = await readFiles(
    folder.path,
    Buffer.isBuffer(files) ? { 'events.out.tfevents.1.host': files } : files,
  );
  if (runs.length !== 1) throw new Error(refused[0] ?? `${runs.length} runs`);
  return runs[0]!;
};
const values = (run: Awaited<ReturnType<typeof one>>) =>
  Object.fromEntries([...run.series].map(([name, points]) => [name, points.map(([s, , v]) => [s, v])]));
const t = 1_700_000_000;
const start = (step: number) => ({ wallTime: t, step, sessionLog: { status: 1 } });
const tensor = (tag: string, plugin: string | null, dtype: number, more: object, dims: number[] = []) => ({
  wallTime: t,
  step: 0,
  summary: {
    value: [
      {
        tag,
        tensor: { dtype, shape: { dims: dims.map((size) => ({ size })) }, ...more },
        ...(plugin !== null && { metadata: { pluginData: { pluginName: plugin } } }),
      },
    ],
  },
});
const bytes = (...b: number[]) => Buffer.from(b);
const png = bytes(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10);

describe('an event file is read as TensorBoard reads it', () => {
  it('crc32c of "123456789" is e3069283', () => {
    // the check value of CRC-32C in RFC 3720 and the catalogue of parametrised CRC algorithms
    expect(crc32c(Buffer.from('123456789')).toString(16)).toBe('e3069283');
  });

  it('each series has its own steps and wall times, negative steps and times that go back among them', async () => {
    const run = await one(
      eventFile(scalars(t + 5, -1, { a: 1 }), scalars(t + 1, 0, { a: 2, b: 3 }), scalars(t + 9, 0, { c: 4 })),
    );
    expect([...run.series]).toEqual([
      [
        'a',
        [
          [-1, (t + 5) * 1000, 1],
          [0, (t + 1) * 1000, 2],
        ],
      ],
      ['b', [[0, (t + 1) * 1000, 3]]],
      ['c', [[0, (t + 9) * 1000, 4]]],
    ]);
    expect(run.leftOut).toEqual([]);
  });

  it('of several values of a step the last one counts, and the others are counted', async () => {
    const run = await one(eventFile(scalars(t, 1, { a: 1 }), scalars(t, 0, { a: 2 }), scalars(t, 1, { a: Number.NaN })));
    expect([values(run), run.leftOut]).toEqual([
      {
        a: [
          [0, 2],
          [1, Number.NaN],
        ],
      },
      ['1 value that a later one of the same step replaced'],
    ]);
  });

  it('a restart drops what was logged at its step and after, of every tag', async () => {
    const run = await one(
      eventFile(
        start(0),
        scalars(t, 0, { a: 1 }),
        scalars(t, 6, { b: 2 }),
        scalars(t, 9, { a: 3 }),
        start(6),
        scalars(t, 6, { a: 8 }),
      ),
    );
    expect([values(run), run.leftOut]).toEqual([
      {
        a: [
          [0, 1],
          [6, 8],
        ],
      },
      ['2 values that a restart made void'],
    ]);
  });

  it('without a version a step that goes back drops later ones of the same tags', async () => {
    const file = Buffer.concat(
      [scalars(t, 5, { a: 1, b: 2 }), scalars(t, 7, { a: 3 }), scalars(t, 6, { a: 4 })].map((e) => recordOf(encodeEvent(e))),
    );
    expect(values(await one(file))).toEqual({
      a: [
        [5, 1],
        [6, 4],
      ],
      b: [[5, 2]],
    });
  });

  it('the event files of one folder are one run, in the order of their names; a folder of folders is many', async () => {
    const first = eventFile(scalars(t, 0, { a: 1 }), scalars(t, 60, { a: 2 }));
    const second = eventFile(start(50), scalars(t, 50, { a: 3 }));
    const { runs } = await readFiles(folder.path, {
      'logs/x/events.out.tfevents.2.h': second,
      'logs/x/events.out.tfevents.1.h': first,
      'logs/y/events.out.tfevents.1.h': first,
    });
    expect(runs.map((r) => [r.name, values(r)])).toEqual([
      [
        'logs/x',
        {
          a: [
            [0, 1],
            [50, 3],
          ],
        },
      ],
      [
        'logs/y',
        {
          a: [
            [0, 1],
            [60, 2],
          ],
        },
      ],
    ]);
  });

  it('scalars of every type, of shape [] and [1] and [1, 1], as lists and as bytes', async () => {
    const run = await one(
      eventFile(
        tensor('half', 'scalars', 19, { halves: [0x3e00] }),
        tensor('bfloat16', 'scalars', 14, { halves: [0x3fc0] }),
        tensor('int32', 'scalars', 3, { ints: [-7] }),
        tensor('int64', 'scalars', 9, { longs: [8] }),
        tensor('int64 bytes', 'scalars', 9, { content: bytes(255, 255, 255, 255, 255, 255, 255, 255) }),
        tensor('uint64', 'scalars', 23, { unsignedLongs: [9] }),
        tensor('uint8', 'scalars', 4, { ints: [200] }),
        tensor('bool', 'scalars', 10, { bools: [true] }),
        tensor('double', 'scalars', 2, { doubles: [0.1] }),
        tensor('[1]', 'scalars', 1, { floats: [3.5] }, [1]),
        tensor('[1, 1]', null, 1, { floats: [4.5] }, [1, 1]),
        tensor('vector', 'scalars', 1, { floats: [1, 2] }, [2]),
        tensor('nothing', 'scalars', 1, {}),
      ),
    );
    expect(Object.fromEntries(Object.entries(values(run)).map(([name, [point]]) => [name, point![1]]))).toEqual({
      half: 1.5,
      bfloat16: 1.5,
      int32: -7,
      int64: 8,
      'int64 bytes': -1,
      uint64: 9,
      uint8: 200,
      bool: 1,
      double: 0.1,
      '[1]': 3.5,
      '[1, 1]': 4.5,
    });
    expect(run.leftOut).toEqual(['tensors of 2 numbers: 1', 'tensors without a number: 1']);
  });

  it('texts, pictures and histograms are samples, old style and new; hparams are settings; the rest is counted', async () => {
    const run = await one(
      eventFile(
        tensor('note', 'text', 7, { strings: [Buffer.from('hello'), Buffer.from('there')] }, [2]),
        {
          wallTime: t,
          step: 2,
          summary: {
            value: [
              { tag: 'old/image', image: { encoded: png } },
              { tag: 'old/histogram', histo: { min: 0, max: 3, limits: [1, 2, 1e308], counts: [1, 0, 2] } },
              { tag: 'sound', audio: bytes(1) },
            ],
          },
        },
        tensor('new/image', 'images', 7, { strings: [Buffer.from('8'), Buffer.from('8'), png] }, [3]),
        tensor('new/histogram', 'histograms', 2, { doubles: [0, 1, 5, 1, 2, 7] }, [2, 3]),
        tensor('curve', 'pr_curves', 1, { floats: [1, 2] }, [2]),
        { wallTime: t, step: 0, graphDef: bytes(1, 2) },
        { wallTime: t, step: 0, graphDef: bytes(1, 2) },
      ),
    );
    expect(run.media).toEqual([
      { kind: 'text', name: 'note', step: 0, content: 'hello\n\nthere' },
      { kind: 'image', name: 'new/image', step: 0, content: new Uint8Array(png) },
      { kind: 'histogram', name: 'new/histogram', step: 0, content: '{"edges":[0,1,2],"counts":[5,7]}' },
      { kind: 'image', name: 'old/image', step: 2, content: new Uint8Array(png) },
      { kind: 'histogram', name: 'old/histogram', step: 2, content: '{"edges":[0,1,2,1e+308],"counts":[1,0,2]}' },
    ]);
    expect(run.leftOut).toEqual(['audio clips: 1', 'values of the plugin "pr_curves": 1', 'graphs: 2']);
  });

  it('tags are whole up to 512 characters, and data whatever they say', async () => {
    const names = ['step', 'Loss', 'loss', '__proto__', '/lead', 'a//b', '損失', 'x'.repeat(512)];
    const run = await one(
      eventFile(
        ...names
          .map((name) => scalars(t, 0, { [name]: 1 }))
          .map((e, i) => (names[i] === '__proto__' ? { ...e, summary: { value: [{ tag: '__proto__', simpleValue: 1 }] } } : e)),
      ),
    );
    expect([...run.series.keys()]).toEqual(names);
    const long = await one(eventFile(scalars(t, 0, { ['y'.repeat(600)]: 1, ['y'.repeat(599)]: 2 })));
    expect([...long.series.keys()].map((n) => n.length)).toEqual([512, 512]);
    expect(long.leftOut).toEqual(['the ends of names of more than 512 characters']);
  });

  it('steps beyond 2^53 are left out, and counted', async () => {
    const run = await one(eventFile(scalars(t, 0, { a: 1 }), scalars(t, 2 ** 62, { a: 2 })));
    expect([values(run), run.leftOut]).toEqual([{ a: [[0, 1]] }, ['values at steps beyond 2^53 such as 4611686018427387904: 1']]);
  });

  it.each([
    ['seconds', t + 0.5],
    ['milliseconds', (t + 0.5) * 1e3],
    ['microseconds', (t + 0.5) * 1e6],
    ['nanoseconds', (t + 0.5) * 1e9],
  ])('wall times in %s are known by their size', async (_, time) => {
    const run = await one(eventFile(scalars(time, 0, { a: 1 })));
    expect(run.series.get('a')![0]![1]).toBeCloseTo((t + 0.5) * 1000, 0);
  });

  it('a wall time of 0 is none; one that is no time is refused with its record', async () => {
    expect((await one(eventFile(scalars(0, 0, { a: 1 })))).series.get('a')).toEqual([[0, null, 1]]);
    await expect(one(eventFile(scalars(-5, 0, { a: 1 })))).rejects.toThrow(
      /^record 2 at byte 40: -5 is not a wall time; it should be seconds, ms, us or ns/,
    );
    await expect(one(eventFile(scalars(Number.NaN, 0, { a: 1 })))).rejects.toThrow('record 2 at byte 40: NaN is not a wall time');
  });

  const good = recordOf(encodeEvent(scalars(t, 1, { loss: 1 })));
  it('a last record that is not whole, as in a file that is still written, is left out and said', async () => {
    for (const length of [1, 11, 12, 30, good.length - 1]) {
      const run = await one(Buffer.concat([good, recordOf(encodeEvent(scalars(t, 2, { loss: 2 }))), good.subarray(0, length)]));
      expect([values(run), run.leftOut]).toEqual([
        {
          loss: [
            [1, 1],
            [2, 2],
          ],
        },
        [`the file ends inside record 3 at byte ${2 * good.length}, which is left out`],
      ]);
    }
  });

  const flipped = (at: number) => Buffer.concat([good, good]).map((byte, i) => (i === good.length + at ? byte ^ 1 : byte));
  it.each([
    ['text', Buffer.from('this is no event file'), 'this is not a TensorBoard event file'],
    [
      'a wrong length',
      flipped(0),
      `record 2 at byte ${good.length}: the checksum of its length is wrong; the file is damaged: copy it again`,
    ],
    ['a wrong byte', flipped(20), `record 2 at byte ${good.length}: its checksum is wrong; the file is damaged: copy it again`],
    ['a first record cut short', good.subarray(0, 30), 'this is not a TensorBoard event file, or its first record is not whole'],
    ['a malformed message', recordOf(bytes(9, 1, 2)), 'record 1 at byte 0: its message is malformed'],
    ['nothing but its version', eventFile(), 'the file holds no numbers, texts or pictures'],
  ])('%s is refused', async (_, file, message) => {
    await expect(one(Buffer.from(file))).rejects.toThrow(message);
  });
});

describe('a folder', () => {
  it('files of which nothing comes are named, and those of one run are one', async () => {
    const csv = 'step,loss\n0,1\n';
    const plan = await planFiles(folder.path, {
      'exp/version_0/metrics.csv': csv,
      'exp/version_0/hparams.yaml': 'lr: 1',
      'exp/version_0/checkpoints/last.ckpt': bytes(1, 2, 3),
      'exp/version_0/checkpoints/best.ckpt': bytes(1, 2, 3),
      'exp/version_0/config.json': '{"lr":1}',
      'exp/empty.csv': '',
      'out/checkpoint-500/trainer_state.json': '{"log_history":[{"step":1,"loss":2}]}',
      'out/checkpoint-1000/trainer_state.json': '{"log_history":[{"step":1,"loss":2},{"step":2,"loss":1}]}',
      [`mlruns/0/${'a'.repeat(32)}/metrics/loss`]: '1700000000000 2.5 0\n1700000001000 2.25 1\n',
      [`mlruns/0/${'a'.repeat(32)}/params/lr`]: '0.1',
    });
    expect(plan.runs.map((r) => [r.name, r.format, r.rows, r.settings, r.error])).toEqual([
      ['exp/version_0', 'CSV', 1, 0, null],
      [`mlruns/0/${'a'.repeat(32)}`, 'MLflow', 2, 1, null],
      ['out/checkpoint-1000', 'JSON', 2, 0, null],
    ]);
    expect(plan.leftOut).toEqual([
      'files *.yaml: 1 (exp/version_0/hparams.yaml)',
      'files *.ckpt: 2',
      'empty files: 1 (exp/empty.csv)',
      'trainer_state.json of earlier checkpoints: 1 (out/checkpoint-500/trainer_state.json)',
      'exp/version_0/config.json: the file holds no rows: lists of numbers, or a list of objects, are expected',
    ]);
  });
});

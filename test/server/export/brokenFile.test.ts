import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pack, unpack } from '~/shared/pack';
import { startApp, type TestApp } from '~/test/support/app';
import { begin, bytesOf, end, filesOf, imported, inside } from '~/test/support/exportedRun';
import { membersOf, tarOf } from '~/test/support/tar';

beforeAll(begin);
afterAll(end);

describe('a broken .headroom file', () => {
  let other: TestApp;
  let whole: Buffer;
  let members: { name: string; bytes: Buffer }[];
  beforeAll(async () => {
    other = await startApp({ dataFolder: inside('broken') });
    whole = await bytesOf('format=headroom');
    members = await membersOf(gunzipSync(whole));
  });
  afterAll(() => other.close());

  const archive = async (list: { name: string; bytes: Uint8Array }[]) => gzipSync(await tarOf(list));
  const changed = (name: string, change: (bytes: Buffer) => Uint8Array) =>
    archive(members.map((m) => (m.name === name ? { name, bytes: change(m.bytes) } : m)));
  type Page = { entries: { seq: number; at: number; event: Record<string, unknown> }[] };
  const page = (change: (entries: Page['entries']) => unknown) =>
    changed('log/000001.pack', (bytes) => {
      const read = unpack(bytes) as Page;
      change(read.entries);
      return pack(read);
    });
  /** Some bytes may change and the content stays: a repetition of zeros can be copied from one place or another. */
  const withChangedByte = () => {
    for (let at = 3000; ; at++) {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 255;
      try {
        gunzipSync(bytes);
      } catch {
        return bytes;
      }
    }
  };
  const blob = () => members.find((m) => m.name.startsWith('blobs/'))!.name;

  const cases: [string, () => Uint8Array | Promise<Uint8Array>, string | RegExp][] = [
    ['cut in the middle', () => whole.subarray(0, whole.length / 2), 'the file is damaged: unexpected end of file'],
    ['with a changed byte', withChangedByte, /^the file is damaged: /],
    [
      'whose checksum at the end is another one',
      () => Buffer.concat([whole.subarray(0, -8), Uint8Array.of(whole.at(-8)! ^ 255), whole.subarray(-7)]),
      /the file is damaged: incorrect data check$/,
    ],
    [
      'that is a gzip of something else',
      () => gzipSync('hello '.repeat(200)),
      'there is no line after the first, so no step to import',
    ],
    [
      'without its manifest',
      () => archive(members.slice(1)),
      'this is not a .headroom file: it does not begin with manifest.json; of other tar archives, give the folder or a zip',
    ],
    [
      'of a newer version',
      () => changed('manifest.json', (b) => Buffer.from(JSON.stringify({ ...JSON.parse(b.toString()), version: 3 }))),
      /^[^/]+ was written by a newer Headroom \(version 3 of the format, this one knows 2\); update Headroom to import it$/,
    ],
    [
      'with a bad run id',
      () => changed('manifest.json', (b) => Buffer.from(JSON.stringify({ ...JSON.parse(b.toString()), runId: '../x' }))),
      'manifest.json: runId: the id of a run has 6 to 32 lower-case letters or digits',
    ],
    ['without its end', () => archive(members.slice(0, -1)), 'the file was cut short: it has no end.json'],
    [
      'without a blob',
      () => archive(members.filter((m) => m.name !== blob())),
      /^end\.json: blob [0-9a-f]{64} is named by the log and not in the file$/,
    ],
    [
      'with a changed blob',
      () => changed(blob(), (b) => Buffer.concat([b, Uint8Array.of(1)])),
      /^blobs\/[0-9a-f]{64}: its bytes have SHA-256 [0-9a-f]{64}; the file is damaged$/,
    ],
    [
      'with a member of its own',
      () => archive([members[0]!, { name: '../evil', bytes: Buffer.from('x') }, ...members.slice(1)]),
      '../evil: a .headroom file has no such member',
    ],
    [
      'with a gap in the log',
      () => page((e) => e.splice(1, 1)),
      /^log\/000001\.pack: seq 3: run record1: expected seq 2, got 3$/,
    ],
    [
      'with an unknown event',
      () => page((e) => (e[0]!.event.type = 'run.dreamt')),
      'log/000001.pack: seq 1: there is no event type "run.dreamt"',
    ],
    [
      'with a time beyond the calendar',
      () => page((e) => (e[1]!.at = 1e300)),
      'log/000001.pack: seq 2: at: give ms since 1970, from -8.64e15 to 8.64e15',
    ],
    ['with a field missing', () => page((e) => delete e[1]!.event.fromStep), /^log\/000001\.pack: seq 2: fromStep: /],
    [
      'with rows of another width',
      () => page((e) => (e.find((x) => x.event.type === 'rows')!.event.values = new Float64Array(7))),
      /values: 7 numbers are not 2000 rows of one length$/,
    ],
  ];
  it.each(cases)('%s is refused with where and why, and leaves nothing', async (_, make, message) => {
    const answer = await imported(other, await make());
    expect(answer).toEqual({
      status: 400,
      body: { error: typeof message === 'string' ? message : expect.stringMatching(message) },
    });
    expect([other.hub.summaries(), filesOf(inside('broken'))]).toEqual([[], []]);
  });

  it('an empty body is refused', async () => {
    expect(await imported(other, new Uint8Array(0))).toEqual({ status: 400, body: { error: 'the file is empty' } });
  });
});

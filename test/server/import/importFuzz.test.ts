/** Broken files of every kind, by seed: each becomes a run or is refused in words that name the place, and a refusal changes not one byte of the data folder. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeHeadroomFile } from '~/server/export/headroomFile';
import { writeTensorboard } from '~/server/export/tensorboard';
import { ImportError } from '~/server/import/importError';
import { importFiles } from '~/server/import/importRun';
import { recordParts } from '~/server/import/recordParts';
import type { Store } from '~/server/store';
import { type BlobStore, openBlobs } from '~/server/store/blobs';
import { openSqliteStore } from '~/server/store/sqlite/open';
import type { ImportResult } from '~/shared/imports';
import { ownFolder } from '~/test/support/folder';
import { readFiles } from '~/test/support/importing';
import { recordRun } from '~/test/support/recordedRun';
import { seeded } from '~/test/support/seeded';
import { ada } from '~/test/support/storeEntries';
import { membersOf, tarHead, tarOf } from '~/test/support/tar';

const folder = ownFolder();
afterAll(folder.remove);
const inside = (name: string) => path.join(folder.path, name);

const random = (seed: number) => {
  const next = seeded(seed);
  return (below: number): number => Math.floor(next() * below);
};
const flipped = (bytes: Buffer, pick: (below: number) => number, times = 1): Buffer => {
  const out = Buffer.from(bytes);
  for (let i = 0; i < times; i++) out[pick(out.length)]! ^= 1 << pick(8);
  return out;
};
const cut = (bytes: Buffer, pick: (below: number) => number): Buffer => bytes.subarray(0, pick(bytes.length));
/** A refusal names where: a member, a place of the log, a line, a record, a byte, or that it is another kind of file. */
const place =
  /^(manifest\.json|end\.json|log\/\d+\.pack|blobs\/[0-9a-f]+|line \d+|record \d+ at byte \d+|run \S+|the file (is|was|holds|has)|this is not|there is no line|the event file|letters|values)\b/;

async function collected(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}
let store: Store;
let blobs: BlobStore;
let headroom: Buffer;
let tensorboard: Buffer;
let members: { name: string; bytes: Buffer }[];
beforeAll(async () => {
  await recordRun(inside('from'));
  const from = await openSqliteStore(inside('from'));
  const source = { ...from, blobs: await openBlobs(inside('from'), from) };
  headroom = await collected(writeHeadroomFile(source, 'record1', 1));
  tensorboard = await collected(writeTensorboard(source, 'record1'));
  await from.close();
  members = await membersOf(gunzipSync(headroom));
  store = await openSqliteStore(inside('to'));
  blobs = await openBlobs(inside('to'), store);
});
afterAll(() => store?.close());

const archive = async (list: { name: string; bytes: Uint8Array }[]) => gzipSync(await tarOf(list), { level: 1 });

/** SHA-256 over the name and content of every file. */
function fingerprint(data: string): string {
  const hash = createHash('sha256');
  const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((f) => f.isFile());
  for (const file of files.map((f) => path.join(f.parentPath, f.name)).sort()) hash.update(file).update(readFileSync(file));
  return hash.digest('hex');
}

/** Reads without a thread, for many at once. @returns what was said, or 'read' */
async function read(name: string, bytes: Uint8Array, kind: 'headroom' | 'csv' | 'tensorboard'): Promise<string> {
  const said = (message: string) => {
    expect([name, message]).toEqual([name, expect.stringMatching(place)]);
    return message;
  };
  try {
    if (kind === 'headroom') {
      writeFileSync(inside('read'), bytes);
      for await (const _ of recordParts({ mode: 'record', file: inside('read'), name }, () => {}));
      return 'read';
    }
    const { refused } = await readFiles(folder.path, { [kind === 'csv' ? 'x.csv' : 'events.out.tfevents.1']: bytes });
    return refused.length > 0 ? said(refused[0]!) : 'read';
  } catch (error) {
    if (!(error instanceof ImportError)) throw new Error(`${name}: ${(error as Error).stack}`);
    return said(error.message);
  }
}

describe('a .headroom file', () => {
  it('cut anywhere, or with any bit turned, is refused', async () => {
    for (let seed = 1; seed <= 80; seed++) {
      const pick = random(seed);
      const broken = seed % 2 === 0 ? cut(headroom, pick) : flipped(headroom, pick);
      const said = await read(`seed ${seed}`, broken, 'headroom');
      // Of a gzip's own first ten bytes (time, system) nothing is checked, nor needs to be.
      if (said === 'read') expect([seed, gunzipSync(broken).equals(gunzipSync(headroom))]).toEqual([seed, true]);
    }
  });

  it('whose tar is whole while a member is not is refused, or is a run all the same', async () => {
    const said = new Set<string>();
    for (let seed = 1; seed <= 80; seed++) {
      const pick = random(1000 + seed);
      const at = pick(members.length);
      const broken = members.map((m, i) =>
        i === at && m.bytes.length > 0
          ? { ...m, bytes: seed % 3 === 0 ? cut(m.bytes, pick) : flipped(m.bytes, pick, 1 + pick(3)) }
          : m,
      );
      const order =
        seed % 10 === 0 ? broken.toSorted(() => pick(3) - 1) : seed % 10 === 1 ? broken.filter((_, i) => i !== at) : broken;
      said.add((await read(`seed ${1000 + seed}`, await archive(order), 'headroom')).replace(/[0-9a-f]{64}|\d+/g, 'N'));
    }
    expect(said.size).toBeGreaterThan(5);
  });

  it.each([
    ['a gzip of text', () => gzipSync('hello')],
    ['an empty gzip', () => gzipSync('')],
    ['a tar.gz of something else', () => archive([{ name: 'README.md', bytes: Buffer.from('hello') }])],
    ['half a gzip header', () => Buffer.of(0x1f, 0x8b)],
    ['a gzip that unpacks for ever', () => gzipSync(Buffer.alloc(50 << 20))],
    [
      'a manifest of 300 MB',
      async () => gzipSync(Buffer.concat([await tarHead('manifest.json', 300 << 20), Buffer.alloc(1 << 20)])),
    ],
  ])('that is %s is refused', async (name, make) => {
    expect(await read(name, await make(), 'headroom')).not.toBe('read');
  });
});

describe('an event file', () => {
  it('cut anywhere gives what is whole of it, and says what is not', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const broken = cut(tensorboard, random(2000 + seed));
      const { runs, refused } = await readFiles(folder.path, { 'events.out.tfevents.1': broken });
      if (refused.length > 0) expect([seed, refused[0]]).toEqual([seed, expect.stringMatching(place)]);
      else
        expect([seed, runs[0]?.leftOut ?? []]).toEqual([
          seed,
          [expect.stringMatching(/^the file ends inside record \d+ at byte \d+, which is left out$/)],
        ]);
    }
  });

  it('with any bit turned is refused', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const said = await read(`seed ${3000 + seed}`, flipped(tensorboard, random(3000 + seed)), 'tensorboard');
      expect([seed, said]).toEqual([seed, expect.stringMatching(/damaged|this is not a TensorBoard event file/)]);
    }
  });
});

describe('a CSV', () => {
  interface Made {
    text: string;
    columns: Map<string, { steps: number[]; values: number[] }>;
  }
  /** A right one, in any dress. */
  function made(pick: (below: number) => number): Made {
    const separator = [',', ';', '\t'][pick(3)]!;
    const end = ['\n', '\r\n'][pick(2)]!;
    const names = Array.from(
      { length: 1 + pick(6) },
      (_, i) => `${['loss', 'a "b"', 'x,y', 'größe', 'eval/acc'][pick(5)]!} ${i}`,
    );
    const quoted = (text: string) => (/[",;\t\r\n]/.test(text) || pick(4) === 0 ? `"${text.replaceAll('"', '""')}"` : text);
    const stepAt = pick(names.length + 1);
    const head = names.toSpliced(stepAt, 0, 'step');
    /** Of each column the steps at which it has a value, and the values. */
    const columns = new Map(names.map((n) => [n, { steps: [] as number[], values: [] as number[] }]));
    const lines = [head.map(quoted).join(separator)];
    // A comma in the first line would say that commas separate.
    if (separator !== ',') lines[0] = head.map((n) => `"${n.replaceAll('"', '""')}"`).join(separator);
    let step = pick(5);
    for (let row = 0; row < 1 + pick(50); row++, step += 1 + pick(3)) {
      const cells = names.map((name) => {
        const kind = pick(8);
        const value =
          kind === 0
            ? Number.NaN
            : kind === 1
              ? Number.POSITIVE_INFINITY
              : kind === 2
                ? Number.NEGATIVE_INFINITY
                : (pick(2 ** 31) - 2 ** 30) / 997;
        const text =
          kind === 0
            ? ['', 'NaN', 'nan'][pick(3)]!
            : kind === 1
              ? ['inf', 'Infinity'][pick(2)]!
              : kind === 2
                ? '-inf'
                : String(value);
        // An empty cell is no value; NaN is one.
        if (text !== '') {
          columns.get(name)!.steps.push(step);
          columns.get(name)!.values.push(value);
        }
        const dressed = separator === ';' && pick(2) === 0 ? text.replace('.', ',') : text;
        return quoted(dressed);
      });
      lines.push(cells.toSpliced(stepAt, 0, String(step)).join(separator));
    }
    const text = lines.join(end) + (pick(2) === 0 ? end : '') + (pick(3) === 0 ? end : '');
    return { text: pick(3) === 0 ? `\uFEFF${text}` : text, columns };
  }

  it('in any dress that is right is read to the last number', async () => {
    for (let seed = 1; seed <= 200; seed++) {
      const { text, columns } = made(random(4000 + seed));
      const { runs, refused } = await readFiles(folder.path, { 'x.csv': text });
      const wanted = new Map([...columns].filter(([, c]) => c.steps.length > 0));
      if (wanted.size === 0) {
        expect([seed, refused]).toEqual([seed, ['the file holds no numbers, texts or pictures']]);
        continue;
      }
      if (refused.length > 0) throw new Error(`seed ${seed}: ${refused[0]}`);
      const read = new Map(
        [...runs[0]!.series].map(([name, points]) => [
          name,
          { steps: points.map(([s]) => s), values: points.map(([, , v]) => v) },
        ]),
      );
      expect([seed, runs[0]!.leftOut, read]).toEqual([seed, [], wanted]);
      // Series that have values at the same steps are one stream.
      expect(runs[0]!.streams.length).toBe(new Set([...wanted.values()].map((c) => c.steps.join())).size);
    }
  });

  it('with letters put in, taken out and turned is read or refused with the line', async () => {
    const strange = ['"', ',', ';', '\n', '\r', '\0', '\u2028', '😀', 'NaN', '1e999', '-', ' ', 'step', '9'.repeat(400), '='];
    const said = new Map<string, number>();
    for (let seed = 1; seed <= 300; seed++) {
      const pick = random(5000 + seed);
      let { text } = made(pick);
      for (let i = 0; i < 1 + pick(4); i++) {
        const at = pick(text.length + 1);
        text = text.slice(0, at) + strange[pick(strange.length)]! + text.slice(at + pick(3));
      }
      const answer = (await read(`seed ${5000 + seed}`, Buffer.from(text), 'csv')).replace(/\d+/g, 'N').slice(0, 12);
      said.set(answer, (said.get(answer) ?? 0) + 1);
    }
    expect(said.get('read')).toBeGreaterThan(10);
    expect(said.size).toBeGreaterThan(1);
  });
});

describe('a refused import', () => {
  it('changes not a byte of the data folder; what is read is there whole', async () => {
    const deps = { store, blobs, now: () => 1, adopt: async () => {} };
    mkdirSync(inside('spool'));
    const importing = () =>
      importFiles(deps, { files: [{ path: inside('upload'), name: 'x' }], spoolFolder: inside('spool'), actor: ada });
    const before = fingerprint(inside('to'));
    let refused = 0;
    for (let seed = 1; seed <= 24; seed++) {
      const pick = random(6000 + seed);
      const whole = [headroom, tensorboard, Buffer.from('step,loss\n0,1\n1,2\n2,x\n')][seed % 3]!;
      const broken = seed % 3 === 2 ? whole : seed % 2 === 0 ? flipped(whole, pick, 3) : cut(headroom, pick);
      writeFileSync(inside('upload'), broken);
      const outcome = await importing().catch((error: unknown) => error);
      const said = outcome instanceof ImportError ? outcome.message : ((outcome as ImportResult).runs?.[0]?.error ?? null);
      if (said !== null) {
        refused++;
        expect([seed, said, fingerprint(inside('to')) === before]).toEqual([seed, expect.stringMatching(place), true]);
      } else throw new Error(`seed ${seed}: ${outcome instanceof Error ? outcome.stack : 'it was read'}`);
    }
    expect(refused).toBe(24);
    writeFileSync(inside('upload'), headroom);
    expect(await importing()).toEqual({
      runs: [{ key: 'x', name: 'x', runId: 'record1', leftOut: null, error: null }],
      leftOut: [],
    });
  });
});

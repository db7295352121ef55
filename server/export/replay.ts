import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { blobsOfSnapshot } from '~/server/base/blobsNamed';
import { recipesSetting, rememberedRecipes } from '~/server/dispatch/recipes';
import { listsOf } from '~/server/store/lists';
import { pack } from '~/shared/pack';
import type { KnownRecipe } from '~/shared/recipes';
import { REPLAY_VERSION, type ReplayManifest, replaySeries } from '~/shared/replayFile';
import { type ListItems, listKinds, type RunView } from '~/shared/view';
import { ExportError, type RecordSource, viewOf } from './source';

/** Most numbers of step rows in a file: all rows while they fit, else buckets of four numbers each. */
const VALUES = 4_000_000;
/** Series that are read together. */
const SERIES = 8;
/** With more bytes of maps, browsers have trouble opening the page. */
const MAPS_BYTES = 256 * 2 ** 20;
/** The same limit for samples: the newest are kept. */
const SAMPLE_BYTES = 64 * 2 ** 20;
/** More than the number of parts of any run's console. */
const ALL_PARTS = 1_000_000_000;

type Snapshot = ListItems['snapshots'];

/**
 * A run as one HTML page that plays without a server (shared/replayFile.ts has the format).
 *
 * @param snapshots number of attention snapshots to include, evenly spaced with the first and the last; or all
 * @throws ExportError when all of them are too much for one page; Error when the page was not built
 */
export async function* writeReplay(
  source: RecordSource,
  runId: string,
  exportedAt: number,
  snapshots: number | 'all',
): AsyncGenerator<Uint8Array> {
  const view = await viewOf(source, runId);
  const lists = await wholeLists(source, runId);
  const recorded = lists.snapshots.items;
  const chosen = snapshots === 'all' ? recorded : evenlySpaced(recorded, snapshots);
  const bytes = chosen.reduce((sum, s) => sum + s.blob.bytes, 0);
  if (bytes > MAPS_BYTES) {
    const most = Math.floor((MAPS_BYTES / bytes) * chosen.length);
    throw new ExportError(
      `snapshots: ${chosen.length} take ${megabytes(bytes)} MB, more than the ${megabytes(MAPS_BYTES)} MB that a page opens well; choose at most ${most}`,
    );
  }
  const kept: Snapshot[] = [];
  for (const s of chosen) {
    const there = await Promise.all(blobsOfSnapshot(s).map((hash) => source.blobs.has(hash)));
    if (there.every(Boolean)) kept.push(s);
  }
  const { rows, names, ...range } = await shapeOfRows(source, view);
  const samples = await samplesOf(source, lists.media.items);
  const { parts } = await source.console({ runId, before: null, after: null, search: '', limit: ALL_PARTS });
  const manifest: ReplayManifest = {
    format: 'headroom-replay',
    version: REPLAY_VERSION,
    runId,
    name: view.setup.name,
    exportedAt,
    rows,
    snapshots: {
      kept: kept.length,
      of: recorded.length,
      missing: chosen.length - kept.length,
      bytes: kept.reduce((sum, s) => sum + s.blob.bytes, 0),
    },
    media: { kept: samples.kept, of: lists.media.items.length },
    console: { parts: parts.length },
  };

  const [head, rest] = (await page()).split('<!--title-->') as [string, string];
  yield Buffer.from(`${head}${escaped(`${view.setup.name} · replay`)}${rest}`);
  yield Buffer.from(element('application/json', 'manifest', JSON.stringify(manifest).replaceAll('<', '\\u003c')));
  const recent = { ...lists, snapshots: { items: kept, fromSeq: 0 } };
  const counts = { ...view.counts, snapshots: { ...view.counts.snapshots, count: kept.length } };
  yield await packed('view', { ...view, recent, counts } satisfies RunView);
  yield await packed(
    'signals',
    await source.signals(
      runId,
      kept.map((s) => s.seq),
    ),
  );
  yield await packed('texts', await longTexts(source, runId, lists.media.items));
  yield await packed('console', parts);
  yield await packed('recipes', await recipesOf(source, view));
  for (let part = 0; part < rows.parts; part++) {
    source.progress?.({ doing: 'reading the curves', done: part * SERIES, total: rows.series, unit: 'series' });
    const wanted = names.slice(part * SERIES, (part + 1) * SERIES);
    const { series } = await source.range({ runId, series: wanted, fromStep: Number.MIN_SAFE_INTEGER, ...range });
    yield await packed(`rows-${part}`, series.map(replaySeries));
  }
  let done = 0;
  for (const hash of new Set([...kept.flatMap(blobsOfSnapshot), ...samples.hashes])) {
    const blob = await source.blobs.get(hash);
    if (!blob) throw new ExportError(`maps of run ${runId} were deleted to save space while it was exported; export it again`);
    source.progress?.({ doing: 'copying maps', done, total: manifest.snapshots.bytes, unit: 'bytes' });
    done += blob.length;
    yield await zipped(`blob-${hash}`, blob);
  }
  yield Buffer.from('<script type="text/plain" id="end"></script>\n</body>\n</html>\n');
}

/** The whole lists of the run, in the form of a view's lists. */
async function wholeLists(source: RecordSource, runId: string): Promise<RunView['recent']> {
  const lists: Record<string, { items: unknown[]; fromSeq: number }> = {};
  for (const kind of listKinds) {
    const items: unknown[] = [];
    for await (const page of listsOf(source, runId).pages(kind)) items.push(...page);
    lists[kind] = { items, fromSeq: 0 };
  }
  return lists as unknown as RunView['recent'];
}

/** The newest samples whose blobs still exist and fit together; `kept` also counts those without a blob. */
async function samplesOf(
  source: RecordSource,
  items: readonly ListItems['media'][],
): Promise<{ hashes: Set<string>; kept: number }> {
  const hashes = new Set<string>();
  let left = SAMPLE_BYTES;
  let kept = 0;
  for (const { blob } of items.toReversed()) {
    if (blob && !hashes.has(blob.hash)) {
      if (blob.bytes > left || !(await source.blobs.has(blob.hash))) continue;
      left -= blob.bytes;
      hashes.add(blob.hash);
    }
    kept += 1;
  }
  return { hashes, kept };
}

/** Texts that are longer than the lists keep. */
async function longTexts(source: RecordSource, runId: string, items: readonly ListItems['media'][]): Promise<[number, string][]> {
  const texts: [number, string][] = [];
  for (const { seq, letters } of items) {
    if (letters === undefined) continue;
    const [entry] = await source.entries({ runId, fromSeq: seq, limit: 1, types: ['media'] });
    if (entry?.seq === seq && entry.event.type === 'media') texts.push([seq, entry.event.text ?? '']);
  }
  return texts;
}

/** The run's recipe as last declared, for the titles of its settings; without its picture. */
async function recipesOf(source: RecordSource, { setup }: RunView): Promise<KnownRecipe[]> {
  const known = rememberedRecipes(await source.setting(recipesSetting)).find(({ spec }) => spec.name === setup.recipe?.name);
  if (!known) return [];
  const { picture: _picture, ...spec } = known.spec;
  return [{ ...spec, trainers: [] }];
}

/** How the rows are stored in the file, the order of the series, and what to read of each: rows that arrive meanwhile are left out. */
async function shapeOfRows(
  source: RecordSource,
  view: RunView,
): Promise<{ rows: ReplayManifest['rows']; names: string[]; toStep: number; buckets: number }> {
  const streams = await source.streams(view.runId);
  const names = streams.flatMap((s) => s.columns.map((c) => c.name));
  const values = streams.reduce((n, s) => n + s.rows * s.columns.length, 0);
  const toStep = streams.reduce((step, s) => Math.max(step, (s.lastStep ?? 0) + 1), 0);
  const whole = values <= VALUES;
  const buckets = whole ? VALUES : Math.max(1, Math.floor(VALUES / 4 / names.length));
  const rows = { headStep: view.step, whole, series: names.length, parts: Math.ceil(names.length / SERIES) };
  return { rows, names, toStep, buckets };
}

/** By step: the first, the last, and those nearest to equally spaced steps between them. */
export function evenlySpaced<S extends { step: number }>(snapshots: readonly S[], count: number): S[] {
  if (snapshots.length <= count) return [...snapshots];
  const first = snapshots[0]!.step;
  const last = snapshots.at(-1)!.step;
  const chosen = new Set<number>();
  for (let i = 0; i < count; i++) {
    const wanted = count === 1 ? last : first + ((last - first) * i) / (count - 1);
    let best = -1;
    for (let k = 0; k < snapshots.length; k++)
      if (!chosen.has(k) && (best < 0 || Math.abs(snapshots[k]!.step - wanted) < Math.abs(snapshots[best]!.step - wanted)))
        best = k;
    chosen.add(best);
  }
  return snapshots.filter((_, k) => chosen.has(k));
}

/** The page that plays a replay; built by buildReplay.ts, before the server starts. */
export const replayPage = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../.build/replay.html' : '../replay.html', import.meta.url),
);
export const notBuilt =
  'format: the page that plays a replay is not built yet; run npm run build where the server is (npm start does it by itself), then export again';

async function page(): Promise<string> {
  try {
    return await readFile(replayPage, 'utf8');
  } catch (error) {
    throw new Error(`${notBuilt} (${(error as Error).message})`);
  }
}

const compress = promisify(gzip);
const packed = (id: string, value: unknown): Promise<Uint8Array> => zipped(id, pack(value));
const zipped = async (id: string, bytes: Uint8Array): Promise<Uint8Array> =>
  Buffer.from(element('application/gzip', id, (await compress(bytes)).toString('base64')));
const element = (type: string, id: string, text: string): string => `<script type="${type}" id="${id}">${text}</script>\n`;
const escaped = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);

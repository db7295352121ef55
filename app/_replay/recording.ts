import type { ConsolePart } from '~/shared/media';
import { unpack } from '~/shared/pack';
import type { KnownRecipe } from '~/shared/recipes';
import { type ReplayManifest, type ReplayRows, type ReplaySeries, replayManifest } from '~/shared/replayFile';
import type { SignalHistory } from '~/shared/signals';
import type { RunView } from '~/shared/view';

/** The recorded data, read from the page itself (shared/replayFile.ts has the format). */
export interface Recording {
  manifest: ReplayManifest;
  view: RunView;
  rows: ReplayRows;
  signals: SignalHistory;
  /** Whole texts of samples, by seq. */
  texts: ReadonlyMap<number, string>;
  console: ConsolePart[];
  recipes: KnownRecipe[];
}

let opened: Recording | null = null;

/** @throws Error outside a replay, or before the replay is opened */
export function recording(): Recording {
  if (!opened) throw new Error('recording: the replay has not been opened');
  return opened;
}

/** @throws Error with a readable message when the file is cut short, damaged or too new */
export async function openRecording(): Promise<Recording> {
  if (!document.getElementById('end')) throw new Error('the file was cut short: take the replay away again');
  const text = document.getElementById('manifest')?.textContent ?? '';
  const version = (JSON.parse(text) as { version?: unknown }).version;
  const parsed = replayManifest.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error(`its manifest cannot be read (version ${String(version)})`);
  const manifest = parsed.data;
  const { headStep, parts } = manifest.rows;
  const [view, signals, texts, console, recipes, ...series] = await Promise.all([
    packed('view') as Promise<RunView>,
    packed('signals') as Promise<SignalHistory>,
    packed('texts') as Promise<[number, string][]>,
    packed('console') as Promise<ConsolePart[]>,
    packed('recipes') as Promise<KnownRecipe[]>,
    ...Array.from({ length: parts }, (_, i) => packed(`rows-${i}`) as Promise<ReplaySeries[]>),
  ]);
  const rows: ReplayRows = { headStep, series: series.flat() };
  opened = { manifest, view, signals, rows, texts: new Map(texts), console, recipes };
  return opened;
}

const packed = async (id: string): Promise<unknown> => unpack(await embedded(id));

/** @throws Error when the file does not contain it */
export async function embedded(id: string): Promise<Uint8Array> {
  const text = document.getElementById(id)?.textContent;
  if (!text) throw new Error(`${id} is not in this file`);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  const unzipped = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(unzipped).arrayBuffer());
}

import { histogramOf } from '~/server/base/histogram';
import {
  decodeEvent,
  decodeHParams,
  exact,
  has,
  maskedCrc32c,
  type SummaryValue,
  type TensorboardEvent,
} from '~/server/base/tensorboardEvents';
import { imageType } from '~/shared/imageType';
import { stringify } from '~/shared/json';
import { put } from '~/shared/own';
import type { Json } from '~/shared/setup';
import { isRelative, timeMs, timeWords } from './cells';
import { ImportError } from './importError';
import { smallConfig } from './json';
import type { RunReading } from './reading';
import type { SourceFile } from './sources';
import { MAX_SERIES } from './tables';
import { DT, numbersOf, sizeOf } from './tensorNumbers';

/** Longer records hold graphs that no run needs; the limit bounds the memory. */
const RECORD = 512 << 20;

/** SessionLog.START: the run began again at this step. */
const START = 1;

/**
 * The event files of one run, in the order of their names, as TensorBoard's own EventAccumulator reads them: a restart drops
 * values logged at its step and after; in a file without a version, a step that goes back is a restart. Scalars become series,
 * each with its own wall times; texts, pictures and histograms become samples; hparams become settings. Of several values of a
 * tag at a step the last one counts. All other values are counted and listed.
 *
 * @throws ImportError with the file, the record and its byte offset
 */
export async function readTensorboard(
  files: readonly SourceFile[],
  run: RunReading,
  report: (bytesRead: number) => void = () => {},
): Promise<void> {
  const reader = new EventReader(run);
  let before = 0;
  for (const file of files) {
    const within = files.length > 1 ? `${file.name}: ` : '';
    for await (const { bytes, where, whole } of records(file, (done) => report(before + done))) {
      if (!whole) {
        run.leftOut.push(`${within}the file ends inside ${where}, which is left out`);
        break;
      }
      try {
        reader.take(decodeEvent(bytes));
      } catch (error) {
        throw new ImportError(
          `${within}${where}: ${error instanceof ImportError ? error.message : `its message is malformed (${(error as Error).message})`}`,
        );
      }
    }
    before += file.bytes;
  }
  reader.end();
}

const emptyHistogram = 'histograms that are empty or not finite';

class EventReader {
  /** By tag, for the whole run: TensorBoard keeps the first plugin of each tag. */
  readonly #plugins = new Map<string, string>();
  readonly #skipped = new Map<string, number>();
  #version = 0;
  #lastStep = Number.NEGATIVE_INFINITY;
  #rounded = 0;

  constructor(private readonly run: RunReading) {}

  take(event: TensorboardEvent): void {
    const step = exact(event.step);
    if (has(event, 'fileVersion')) this.#version = Number(/^brain\.Event:(\d+)/.exec(event.fileVersion!)?.[1] ?? 0);
    const values = event.summary?.value ?? [];
    if (this.#version >= 2) {
      if (event.sessionLog?.status === START) this.#purge(step);
    } else if (event.summary && step !== null && step < this.#lastStep)
      this.#purge(
        step,
        values.map((v) => v.tag),
      );
    if (event.summary && step !== null) this.#lastStep = step;
    if (has(event, 'graphDef') || has(event, 'metaGraphDef')) this.#skip('graphs');
    if (has(event, 'taggedRunMetadata')) this.#skip('records of a graph’s execution');
    if (has(event, 'logMessage')) this.#skip('log messages');
    if (values.length === 0) return;
    let time = Number.NaN;
    for (const value of values) {
      const plugin = this.#pluginOf(value);
      if (plugin === 'hparams') {
        this.#hparams(value.metadata?.pluginData?.content);
        continue;
      }
      if (step === null) {
        this.#skip(`values at steps beyond 2^53 such as ${String(event.step)}`);
        continue;
      }
      if (Number.isNaN(time)) time = this.#timeOf(event.wallTime);
      const left = this.#value(value, plugin, step, time);
      if (left !== null) this.#skip(left);
    }
  }

  end(): void {
    this.run.leftOut.push(...[...this.#skipped].map(([what, count]) => `${what}: ${count}`));
    if (this.#rounded > 0) this.run.leftOut.push(`the last digits of ${this.#rounded} whole numbers beyond 2^53`);
  }

  #purge(step: number | null, tags?: string[]): void {
    if (step === null) return;
    this.run.points.purge(
      step,
      tags?.map((tag) => this.run.nameOf(tag)),
    );
    if (!tags) this.run.media.purge(step);
  }

  #skip(what: string): void {
    this.#skipped.set(what, (this.#skipped.get(what) ?? 0) + 1);
  }

  #pluginOf({ tag, metadata }: SummaryValue): string {
    const known = this.#plugins.get(tag);
    const named = metadata?.pluginData?.pluginName ?? '';
    if (known !== undefined || !metadata) return known ?? '';
    this.#plugins.set(tag, named);
    return named;
  }

  /** NaN: not known (0 in the file). @throws ImportError for anything that is not a time */
  #timeOf(wallTime: number): number {
    if (wallTime === 0) return Number.NaN;
    // A clock that began with the program; TensorBoard shows it unchanged, too.
    const time = isRelative(wallTime) ? wallTime * 1000 : timeMs(wallTime);
    if (time === null) throw new ImportError(`${wallTime} is not a wall time; it should be ${timeWords}`);
    return time;
  }

  /** @returns why the value is left out; null: it is kept */
  #value(value: SummaryValue, plugin: string, step: number, time: number): string | null {
    const { run } = this;
    const tag = value.tag || value.nodeName;
    if (tag === '') return 'values without a tag';
    const sample = (kind: 'text' | 'image' | 'histogram', content: Uint8Array, name = tag) => {
      run.media.add({ kind, name: run.nameOf(name), step, timeMs: time }, content);
      return null;
    };
    if (has(value, 'simpleValue')) return this.#point(tag, step, time, value.simpleValue!);
    if (value.histo) {
      const { min, limits, counts } = value.histo;
      const histogram = histogramOf(
        limits.map((right, i) => [i === 0 ? Math.min(min, right) : limits[i - 1]!, right, counts[i] ?? 0]),
      );
      return histogram ? sample('histogram', Buffer.from(stringify(histogram))) : emptyHistogram;
    }
    if (value.image)
      return imageType(value.image.encoded)
        ? sample('image', value.image.encoded)
        : 'pictures that are not PNG, JPEG, GIF or WebP';
    if (has(value, 'audio')) return 'audio clips';
    const { tensor } = value;
    if (!tensor) return 'values of an unknown kind';
    const size = sizeOf(tensor);
    if (tensor.dtype === DT.STRING) {
      const pictures = tensor.strings.slice(2);
      if (plugin === 'images' && pictures.length > 0 && pictures.every(imageType)) {
        for (const [i, picture] of pictures.entries()) sample('image', picture, pictures.length > 1 ? `${tag}/${i}` : tag);
        return null;
      }
      if (plugin === 'text' || plugin === '')
        return sample('text', Buffer.from(tensor.strings.map((s) => Buffer.from(s).toString()).join('\n\n')));
      return `values of the plugin "${plugin}"`;
    }
    if (plugin === 'histograms') {
      const bins = numbersOf(tensor, size);
      const histogram = bins && bins.length % 3 === 0 ? histogramOf(triples(bins)) : null;
      return histogram ? sample('histogram', Buffer.from(stringify(histogram))) : emptyHistogram;
    }
    if (plugin !== 'scalars' && plugin !== '') return `values of the plugin "${plugin}"`;
    if (size !== 1) return `tensors of ${size} numbers`;
    const [number] = numbersOf(tensor, 1) ?? [];
    if (number === undefined) return 'tensors without a number';
    if (tensor.dtype === DT.INT64 || tensor.dtype === DT.UINT64) this.#rounded += Number.isSafeInteger(number) ? 0 : 1;
    return this.#point(tag, step, time, number);
  }

  #point(tag: string, step: number, time: number, value: number): null {
    const { points } = this.run;
    const name = this.run.nameOf(tag);
    if (points.series.size === MAX_SERIES && !points.series.has(name))
      throw new ImportError(`more than the ${MAX_SERIES} tags that are taken`);
    points.add(points.of(name), step, time, value);
    this.run.rows++;
    return null;
  }

  #hparams(content: Uint8Array | undefined): void {
    if (!content) return;
    const config: { [key: string]: Json } = {};
    for (const { key, value } of decodeHParams(content).sessionStart?.hparams ?? []) {
      if (!value) continue;
      const { number, text, truth } = value;
      const own = has(value, 'number')
        ? Number.isFinite(number)
          ? number!
          : String(number)
        : has(value, 'text')
          ? text!
          : has(value, 'truth')
            ? truth!
            : null;
      put(config, key, own);
    }
    if (Object.keys(config).length > 0) this.run.config = smallConfig({ ...this.run.config, ...config });
  }
}

const triples = (bins: readonly number[]): [number, number, number][] =>
  Array.from({ length: bins.length / 3 }, (_, i) => [bins[3 * i]!, bins[3 * i + 1]!, bins[3 * i + 2]!]);

/** Whether these are the first bytes of an event file. */
export const isEventFile = (head: Buffer): boolean =>
  head.length >= 12 && maskedCrc32c(head.subarray(0, 8)) === head.readUInt32LE(8);

/** `whole`: false for a truncated record at the end of the file. */
async function* records(
  file: SourceFile,
  report: (bytesRead: number) => void,
): AsyncGenerator<{ bytes: Uint8Array; where: string; whole: boolean }> {
  /** Unread bytes, in the pieces in which they arrived: a large record is joined only once. */
  let held: Buffer[] = [];
  let size = 0;
  let needed = 12;
  let at = 0;
  let number = 0;
  for await (const chunk of await file.open(report)) {
    held.push(chunk);
    size += chunk.length;
    if (size < needed) continue;
    const all = held.length === 1 ? held[0]! : Buffer.concat(held);
    let used = 0;
    for (;;) {
      const rest = all.subarray(used);
      needed = 12;
      if (rest.length < needed) break;
      const where = `record ${number + 1} at byte ${at + used}`;
      if (maskedCrc32c(rest.subarray(0, 8)) !== rest.readUInt32LE(8))
        throw new ImportError(
          number === 0
            ? 'this is not a TensorBoard event file'
            : `${where}: the checksum of its length is wrong; the file is damaged: copy it again`,
        );
      const length = Number(rest.readBigUInt64LE(0));
      if (length > RECORD) throw new ImportError(`${where}: ${length} bytes are more than the ${RECORD} allowed`);
      needed = 16 + length;
      if (rest.length < needed) break;
      const bytes = rest.subarray(12, 12 + length);
      if (maskedCrc32c(bytes) !== rest.readUInt32LE(12 + length))
        throw new ImportError(`${where}: its checksum is wrong; the file is damaged: copy it again`);
      yield { bytes, where, whole: true };
      number++;
      used += needed;
    }
    held = [all.subarray(used)];
    size = all.length - used;
    at += used;
  }
  if (size === 0) return;
  if (number === 0) throw new ImportError('this is not a TensorBoard event file, or its first record is not whole');
  yield { bytes: new Uint8Array(0), where: `record ${number + 1} at byte ${at}`, whole: false };
}

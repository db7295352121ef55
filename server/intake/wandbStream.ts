/** Converts the wandb client's stream for a run (the lines of its files) to events of a trainer. */

import { histogramOf } from '~/server/base/histogram';
import { columnOf } from '~/server/base/namedSeries';
import { readEvent } from '~/server/runs/readEvent';
import type { Room } from '~/server/runs/room';
import type { Refusal } from '~/shared/commands';
import type { BlobRef } from '~/shared/ids';
import { MAX_INLINE_CHARACTERS } from '~/shared/media';
import { isObject } from '~/shared/own';
import { refuse } from '~/shared/refusals';
import { lastStepOf } from '~/shared/rows';
import type { Rows, Series } from '~/shared/series';
import { isTime } from '~/shared/times';
import { numberOf, plain, readJson } from './body';
import { consoleEvents } from './items';
import { type Row, rowEvents } from './rowEvents';

/** A sample whose content is in a file that the client uploads separately, before or after it logs the sample. */
export interface Awaited {
  step: number;
  name: string;
  kind: 'image' | 'table';
  caption?: string;
}

/** State of a run while its client is connected. */
export interface Stream {
  /** Uploaded files, by path. */
  files: Map<string, BlobRef>;
  awaited: Map<string, Awaited[]>;
  /** Series used as x axes (define_metric). */
  axes: Set<string>;
  summary: Record<string, unknown>;
  /** The attempt in which a row has arrived. */
  began: number | null;
  /** Types of samples, file extensions and names of artifacts already reported as not kept. */
  unkept: Set<string>;
  /** The end of what the process has printed: a traceback may lie in several requests, the last one of which says that it failed. */
  printed: string;
}

export const newStream = (): Stream => ({
  files: new Map(),
  awaited: new Map(),
  axes: new Set(),
  summary: {},
  began: null,
  unkept: new Set(),
  printed: '',
});

/** What the lines of a request change is changed in a copy: if their events cannot be written, the client sends the lines again. */
export const copyOf = (stream: Stream): Stream => ({
  ...stream,
  awaited: new Map(stream.awaited),
  unkept: new Set(stream.unkept),
});

/** Every row of the history has this series: its last step is the end of the history. */
const runtime = '_runtime';
export const lastStep = ({ streams }: Room): number => streams.stream(runtime)?.lastStep ?? -1;

/** The same after some events of a history. */
export function lastStepAfter(room: Room, events: readonly unknown[]): number {
  const rows = events.find((e) => isObject(e) && e.type === 'rows' && e.stream === runtime) as Rows | undefined;
  return rows ? lastStepOf(rows) : lastStep(room);
}

/** Names that the client itself adds to a line. */
const own = new Set(['_step', '_timestamp', runtime, '_wandb']);

type Line = Record<string, unknown>;
const linesOf = (texts: readonly string[]): Line[] =>
  texts.flatMap((text) => {
    const line = readJson(text);
    return isObject(line) ? [line] : [];
  });

const timeOf = (line: Line): number => {
  const seconds = numberOf(line._timestamp);
  return seconds !== null && isTime(seconds * 1000) ? seconds * 1000 : Date.now();
};

/** wandb-history.jsonl: rows, and samples among their values. Lines that are already logged are skipped. */
export function historyEvents(room: Room, stream: Stream, texts: readonly string[]): unknown[] | Refusal {
  const { attempt } = room.view;
  let next = lastStep(room) + 1;
  const before: unknown[] = [];
  const after: unknown[] = [];
  const rows: Row[] = [];
  for (const line of linesOf(texts)) {
    const step = numberOf(line._step);
    if (step === null || !Number.isSafeInteger(step)) return refuse('invalid', '_step: a line of the history has none', '_step');
    // A script that starts again with the id of an older run replaces its rows from that step on; nothing is deleted.
    if (stream.began !== attempt && step < next) {
      before.push({ type: 'rewind', step });
      next = step;
    }
    stream.began = attempt;
    if (step < next) continue;
    next = step + 1;
    const values: [string, number][] = [[runtime, numberOf(line[runtime]) ?? 0]];
    flatten(line, '', (name, value) => {
      if (own.has(name) || value === null) return;
      const number = numberOf(value, false);
      if (number !== null) values.push([name, number]);
      else after.push(...sampleEvents(stream, step, name, value));
    });
    rows.push({ step, at: timeOf(line), values });
  }
  // Rows that a rewind takes back must not block the ones after it.
  const streams = before.length > 0 ? rewound(room, (before[0] as { step: number }).step) : room.streams;
  const events = rowEvents(streams, rows, (name) => column(name, stream));
  return 'ok' in events ? events : [...before, ...events, ...after];
}

const rewound = ({ streams }: Room, step: number): Room['streams'] => ({
  owner: (name) => streams.owner(name),
  counts: () => streams.counts(),
  stream: (name) => {
    const known = streams.stream(name);
    return known && known.lastStep !== null && known.lastStep >= step ? { ...known, lastStep: step - 1 } : known;
  },
});

const column = (name: string, { axes }: Stream): Series =>
  name === runtime ? { name, unit: 's', group: 'wandb', x: true } : { ...columnOf(name), ...(axes.has(name) && { x: true }) };

/** {"a": {"b": 1}} becomes a.b; an object with a _type is one value. */
function flatten(line: Line, prefix: string, each: (name: string, value: unknown) => void): void {
  for (const [key, value] of Object.entries(line)) {
    const name = prefix + key;
    if (isObject(value) && typeof value._type !== 'string') flatten(value, `${name}.`, each);
    else each(name.slice(0, 512), value);
  }
}

function sampleEvents(stream: Stream, step: number, name: string, value: unknown): unknown[] {
  const sample = { type: 'media', step, name };
  if (!isObject(value)) {
    const text = typeof value === 'string' ? String(plain(value)) : JSON.stringify(plain(value));
    return [{ ...sample, kind: 'text', text: cut(text) }];
  }
  const file = (path: unknown, kind: Awaited['kind'], called = name, caption: unknown = undefined): unknown[] => {
    const awaited = { step, name: called, kind, ...(typeof caption === 'string' && { caption: caption.slice(0, 500) }) };
    const blob = stream.files.get(String(path));
    if (blob) return [{ type: 'media', ...awaited, blob }];
    stream.awaited.set(String(path), [...(stream.awaited.get(String(path)) ?? []), awaited]);
    return [];
  };
  switch (value._type) {
    case 'image-file':
      return file(value.path, 'image', name, value.caption);
    case 'images/separated': {
      const captions = Array.isArray(value.captions) ? value.captions : [];
      const names = Array.isArray(value.filenames) ? value.filenames : [];
      return names.flatMap((path, i) => file(path, 'image', names.length > 1 ? `${name}/${i}` : name, captions[i]));
    }
    case 'table-file':
      return file(value.path, 'table');
    case 'histogram': {
      const edges = (isObject(value.packedBins) ? unpacked(value.packedBins) : value.bins) as number[];
      const counts = value.values as number[];
      // Those of values that are all the same have no width.
      const fits = Array.isArray(counts) && Array.isArray(edges) && edges.length === counts.length + 1;
      const bins = fits ? histogramOf(counts.map((count, i) => [edges[i]!, edges[i + 1]!, count])) : null;
      return [{ ...sample, kind: 'histogram', text: JSON.stringify(bins ?? { edges, counts }) }];
    }
    default: {
      const type = String(value._type).slice(0, 80);
      if (stream.unkept.has(type)) return [];
      stream.unkept.add(type);
      return [
        { type: 'alert', step, level: 'info', kind: 'wandb', message: `${name}: samples of the type ${type} are not kept here` },
      ];
    }
  }
}

/**
 * The events without those that are wrong; each of them becomes an alert, as it would of a trainer: the client gives up its whole
 * run when one request is refused.
 */
export function withoutWrong(events: readonly unknown[], step: number): unknown[] {
  const undeclared = new Set<unknown>();
  return events.flatMap((event) => {
    const { type, name, stream } = event as Record<string, unknown>;
    if (type === 'rows' && undeclared.has(stream)) return [];
    const read = readEvent(event);
    if (read.ok) return [event];
    if (type === 'series') undeclared.add(stream);
    const message = `${JSON.stringify(name ?? stream ?? type)} is left out: ${read.message}`.slice(0, 500);
    return [{ type: 'alert', step, level: 'warning', kind: 'set-aside', message }];
  });
}

const unpacked = ({ min, size, count }: Line): number[] =>
  Array.from({ length: Number(count) + 1 }, (_, i) => Number(min) + i * Number(size));

const cut = (text: string): string =>
  text.length <= MAX_INLINE_CHARACTERS ? text : `${text.slice(0, MAX_INLINE_CHARACTERS - 40)} ... (${text.length} characters)`;

/** wandb-events.jsonl: system metrics, at the present step of training; one row per step. */
export function systemEvents(room: Room, texts: readonly string[], step: number): unknown[] | Refusal {
  const values = new Map<string, number>();
  let at = 0;
  for (const line of linesOf(texts)) {
    at = timeOf(line);
    for (const [key, value] of Object.entries(line)) {
      const number = numberOf(value, false);
      if (key.startsWith('system.') && number !== null) values.set(`system/${key.slice(7)}`, number);
    }
  }
  const fresh = [...values].filter(([name]) => (room.streams.stream(name)?.lastStep ?? -1) < step);
  return fresh.length === 0 ? [] : rowEvents(room.streams, [{ step, at, values: fresh }]);
}

/** output.log: "[ERROR ]TIME text". Adjacent lines of one kind become one text. */
export function outputEvents(lines: readonly string[]): { text: string }[] {
  const parts: { stream: 'out' | 'err'; text: string }[] = [];
  for (const line of lines) {
    const [, error, text = line] = /^(ERROR )?\d{4}-\d\d-\d\dT[\d:.]+Z? ([\s\S]*)$/.exec(line) ?? [];
    const stream = error ? 'err' : 'out';
    const last = parts.at(-1);
    if (last?.stream === stream) last.text += `${text}\n`;
    else parts.push({ stream, text: `${text}\n` });
  }
  return parts.flatMap(({ stream, text }) => consoleEvents(text, { stream }));
}

/** The content of a table file in a sample's form; null = not a table. */
export function tableOf(bytes: Uint8Array): string | null {
  try {
    const { columns, data } = readJson(new TextDecoder().decode(bytes)) as { columns: unknown[]; data: unknown[][] };
    const cell = (value: unknown) => (isObject(value) || Array.isArray(value) ? JSON.stringify(plain(value)) : plain(value));
    return JSON.stringify({ columns: columns.map(String), rows: data.map((row) => row.map(cell)) });
  } catch {
    return null;
  }
}

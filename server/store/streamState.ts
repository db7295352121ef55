import { contradicted, joinedColumns, repeatedName, sameColumns } from '~/shared/columns';
import type { RunEvent } from '~/shared/events';
import { firstStepOf, lastStepOf, rowCount } from '~/shared/rows';
import type { Series, StreamSpec } from '~/shared/series';

/** Most streams of one run; MAX_SERIES limits the series of all of them. */
const MAX_STREAMS = 100_000;
const MAX_SERIES = 200_000;

export interface KnownStream {
  /** Number of values in a row. */
  width: number;
  /** The next row's step must be above it; null = any. After a rewind: the step before the target. */
  lastStep: number | null;
  columns(): readonly Series[];
}

export interface StreamLookup {
  stream(name: string): KnownStream | null;
  /** Stream to which a series belongs. */
  owner(series: string): string | null;
  counts(): { streams: number; series: number };
}

/**
 * The streams of a run while events arrive one after the other: it checks each event, and applies its changes. It extends a base
 * that it does not change (the stored run, or another state), so that a batch can be tried before it is stored.
 */
export class StreamState implements StreamLookup {
  readonly #streams = new Map<string, KnownStream>();
  readonly #owners = new Map<string, string>();
  #added = { streams: 0, series: 0 };
  /** Least step of any rewind: rows of the base at or after it are taken back. */
  #rewoundTo = Number.POSITIVE_INFINITY;

  constructor(private readonly base: StreamLookup | null = null) {}

  /** An independent state from stored streams. */
  static of(streams: Iterable<{ name: string; columns: readonly Series[]; lastStep: number | null }>): StreamState {
    const state = new StreamState();
    for (const { name, columns, lastStep } of streams) {
      state.#declare(name, columns);
      state.#streams.get(name)!.lastStep = lastStep;
    }
    return state;
  }

  stream(name: string): KnownStream | null {
    const own = this.#streams.get(name);
    if (own) return own;
    const below = this.base?.stream(name) ?? null;
    if (!below || below.lastStep === null || below.lastStep < this.#rewoundTo) return below;
    return { ...below, lastStep: this.#rewoundTo - 1 };
  }

  owner(series: string): string | null {
    return this.#owners.get(series) ?? this.base?.owner(series) ?? null;
  }

  counts(): { streams: number; series: number } {
    const { streams, series } = this.base?.counts() ?? { streams: 0, series: 0 };
    return { streams: streams + this.#added.streams, series: series + this.#added.series };
  }

  /** Whether the declaration adds nothing new. */
  declared({ stream, columns }: StreamSpec): boolean {
    const known = this.stream(stream);
    if (!known) return false;
    const joined = joinedColumns(known.columns(), columns);
    return joined !== null && sameColumns(known.columns(), joined);
  }

  /** null, or "field: what is wrong" with an event. */
  problem(event: RunEvent): string | null {
    switch (event.type) {
      case 'series':
        return this.#problemOfSpec(event);
      case 'started': {
        const trial = new StreamState(this);
        for (const [i, spec] of (event.streams ?? []).entries()) {
          const wrong = trial.#problemOfSpec(spec);
          if (wrong) return `streams.${i}.${wrong}`;
          trial.#declare(spec.stream, spec.columns);
        }
        return null;
      }
      case 'rows': {
        const known = this.stream(event.stream);
        if (!known) return `stream: "${event.stream}" was not declared; send a series event first`;
        const count = rowCount(event);
        if (event.values.length !== count * known.width)
          return `values: ${count} rows of ${known.width} series need ${count * known.width} numbers, got ${event.values.length}`;
        if (known.lastStep !== null && firstStepOf(event) <= known.lastStep)
          return `steps: the first row's step must be above ${known.lastStep}, got ${firstStepOf(event)}; to go back, send rewind first`;
        return null;
      }
      default:
        return null;
    }
  }

  #problemOfSpec({ stream, columns }: StreamSpec): string | null {
    const repeated = repeatedName(columns);
    if (repeated !== null) return `columns: "${repeated}" stands twice`;
    const known = this.stream(stream);
    if (known) {
      if (joinedColumns(known.columns(), columns)) return null;
      const words = known
        .columns()
        .slice(0, 20)
        .map((c) => c.name);
      const other = contradicted(known.columns(), columns);
      if (other && other.field !== 'name') {
        const { at, name, field, first, second } = other;
        return `columns.${at}.${field}: series "${name}" was declared with ${field} ${JSON.stringify(first)} and keeps it, got ${JSON.stringify(second)}; give ${JSON.stringify(first)}, or the series another name`;
      }
      return `columns: stream "${stream}" was declared with ${words.join(', ')}${known.width > 20 ? ', ...' : ''}; what differs needs another stream`;
    }
    for (const { name } of columns) {
      const owner = this.owner(name);
      if (owner !== null) return `columns: series "${name}" belongs to stream "${owner}" already`;
    }
    const counts = this.counts();
    if (counts.streams >= MAX_STREAMS) return `stream: a run has at most ${MAX_STREAMS} streams`;
    if (counts.series + columns.length > MAX_SERIES) return `columns: a run has at most ${MAX_SERIES} series`;
    return null;
  }

  /** Applies a valid event's changes. */
  apply(event: RunEvent): void {
    switch (event.type) {
      case 'series':
        this.#declare(event.stream, event.columns);
        return;
      case 'started':
        for (const { stream, columns } of event.streams ?? []) this.#declare(stream, columns);
        return;
      case 'rows': {
        const own = this.#streams.get(event.stream);
        if (own) own.lastStep = lastStepOf(event);
        else {
          const { width, columns } = this.stream(event.stream)!;
          this.#streams.set(event.stream, { width, columns, lastStep: lastStepOf(event) });
        }
        return;
      }
      case 'rewind':
        this.#rewind(event.step);
        return;
      case 'run.assigned':
        this.#rewind(event.fromStep);
        return;
      default:
    }
  }

  #declare(name: string, columns: readonly Series[]): void {
    const known = this.stream(name);
    if (known) {
      const joined = joinedColumns(known.columns(), columns) ?? columns;
      this.#streams.set(name, { width: known.width, lastStep: known.lastStep, columns: () => joined });
      return;
    }
    this.#streams.set(name, { width: columns.length, lastStep: null, columns: () => columns });
    for (const c of columns) this.#owners.set(c.name, name);
    this.#added.streams += 1;
    this.#added.series += columns.length;
  }

  #rewind(step: number): void {
    this.#rewoundTo = Math.min(this.#rewoundTo, step);
    for (const known of this.#streams.values()) if (known.lastStep !== null && known.lastStep >= step) known.lastStep = step - 1;
  }
}

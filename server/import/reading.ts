import path from 'node:path';
import { hashOf } from '~/server/base/hash';
import { counted } from '~/shared/numbers';
import type { Config } from '~/shared/setup';
import { ImportError } from './importError';
import { MediaSpool } from './mediaSpool';
import { type PointStream, Points } from './points';

const LONGEST_NAME = 512;
const MAX_RUNS = 1000;

/** One run while it is read from a file or folder of another program. */
export class RunReading {
  readonly points: Points;
  readonly media: MediaSpool;
  /** Settings found in the file. */
  config: Config = {};
  /** A name for people; '' if the file has none. */
  title = '';
  /** Parts of the file that are not in the run, described for people. */
  readonly leftOut: string[] = [];
  /** Rows, or records, that contain some of it. */
  rows = 0;
  ended: 'finished' | 'failed' | 'stopped' = 'finished';
  #streams: PointStream[] | null = null;
  #cut = 0;

  constructor(
    /** Name within its file; '' if the file holds one run. */
    readonly name: string,
    spool: string,
  ) {
    this.points = new Points(`${spool}.points`);
    this.media = new MediaSpool(`${spool}.media`);
  }

  /** The name of a series in the new run. */
  nameOf(name: string): string {
    if (name.length <= LONGEST_NAME) return name;
    this.#cut++;
    return `${name.slice(0, LONGEST_NAME - 13)}…${hashOf(name).slice(0, 12)}`;
  }

  /** Its series in order; only after everything was read. */
  get streams(): PointStream[] {
    if (!this.#streams) {
      this.#streams = this.points.streams();
      const { replaced, purged } = this.points;
      if (replaced > 0) this.leftOut.push(`${counted(replaced, 'value')} that a later one of the same step replaced`);
      if (purged > 0) this.leftOut.push(`${counted(purged, 'value')} that a restart made void`);
      if (this.#cut > 0) this.leftOut.push(`the ends of names of more than ${LONGEST_NAME} characters`);
      this.leftOut.push(...this.media.leftOut());
    }
    return this.#streams;
  }

  get empty(): boolean {
    return this.streams.length === 0 && this.media.items.length === 0;
  }

  close(): void {
    this.points.close();
    this.media.close();
  }
}

/** The runs of one file or folder. */
export class RunsReading {
  readonly notes: string[] = [];
  /** The column that counts the steps; null where there are no columns. */
  axis: string | null = null;
  /** Columns that could count the steps. */
  axes: string[] = [];
  readonly #runs = new Map<string, RunReading>();

  constructor(
    private readonly spoolFolder: string,
    private readonly spoolName: string,
  ) {}

  run(name = ''): RunReading {
    let run = this.#runs.get(name);
    if (!run) {
      if (this.#runs.size === MAX_RUNS) throw new ImportError(`more than the ${MAX_RUNS} runs that one file may hold`);
      run = new RunReading(name, path.join(this.spoolFolder, `${this.spoolName}-${this.#runs.size}`));
      this.#runs.set(name, run);
    }
    return run;
  }

  all(): RunReading[] {
    return [...this.#runs.values()];
  }

  close(): void {
    for (const run of this.#runs.values()) run.close();
  }
}

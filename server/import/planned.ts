/** What a group of files would become, for people to look at before the import. */

import path from 'node:path';
import type { PlannedRun } from '~/shared/imports';
import { firstStepOf, lastStepOf, rowCount } from '~/shared/rows';
import { type Group, words } from './groups';
import { readHeadroomFile } from './headroomFile';
import { ImportError } from './importError';
import type { RunReading, RunsReading } from './reading';
import { onDisk, type ReadJob } from './readJob';

export const unknownRun = (group: Group): PlannedRun => ({
  key: group.key,
  name: group.name,
  format: words[group.kind],
  files: group.files.map((f) => f.name).slice(0, 100),
  series: { count: 0, names: [] },
  values: 0,
  rows: 0,
  steps: null,
  times: null,
  media: {},
  settings: 0,
  axis: null,
  axes: [],
  notes: [],
  leftOut: [],
  error: null,
  here: null,
});

export function planned(group: Group, runs: RunsReading, run: RunReading, key: string, name: string): PlannedRun {
  const { streams } = run;
  const names = streams.flatMap((s) => s.series.map((c) => c.name));
  return {
    ...unknownRun(group),
    key,
    name,
    series: { count: names.length, names: names.slice(0, 200) },
    values: run.points.total,
    rows: streams.reduce((rows, s) => Math.max(rows, s.rows), 0),
    steps: stepsOf(run),
    times: timesOf(run),
    media: run.media.counts(),
    settings: Object.keys(run.config).length,
    axis: runs.axis,
    axes: runs.axes,
    notes: runs.notes,
    leftOut: run.leftOut,
  };
}

interface Extent {
  first: number;
  last: number;
}

const ends = (extent: Extent | null): number[] => (extent ? [extent.first, extent.last] : []);

function extentOf(numbers: readonly number[]): Extent | null {
  if (numbers.length === 0) return null;
  return { first: numbers.reduce((a, b) => Math.min(a, b)), last: numbers.reduce((a, b) => Math.max(a, b)) };
}

export const stepsOf = ({ streams, media }: RunReading): Extent | null =>
  extentOf([...streams.flatMap((s) => [s.firstStep, s.lastStep]), ...media.items.map((m) => m.step)]);

/** ms since 1970; null: the files name no times. */
export const timesOf = ({ streams, media }: RunReading): Extent | null =>
  extentOf([
    ...streams.flatMap(({ times }) => (times ? [times.first, times.last] : [])),
    ...media.items.map((m) => m.timeMs).filter((t) => !Number.isNaN(t)),
  ]);

export async function plannedRecord(
  group: Group,
  job: ReadJob,
  i: number,
  progress: (done: number) => void,
): Promise<PlannedRun> {
  const run = unknownRun(group);
  const rows = new Map<string, number>();
  let [ofRows, ofMedia, head]: [Extent | null, Extent | null, number] = [null, null, 0];
  try {
    const name = path.posix.basename(group.files[0]!.name);
    for await (const part of readHeadroomFile(await onDisk(group, job, i), progress, name)) {
      if (part.kind === 'blob') for await (const _ of part.body);
      if (part.kind === 'manifest') run.here = part.runId;
      if (part.kind !== 'entries') continue;
      const { view, entries } = part;
      run.name = view.setup.name;
      run.series = { count: view.columnCount, names: view.streams.flatMap((s) => s.columns.map((c) => c.name)).slice(0, 200) };
      head = view.step;
      run.times = { first: view.createdAt, last: view.updatedAt };
      run.settings = Object.keys(view.setup.config).length;
      // Everything that comes along, also what a revert superseded.
      for (const { event } of entries)
        if (event.type === 'rows') {
          run.values += event.values.length;
          rows.set(event.stream, (rows.get(event.stream) ?? 0) + rowCount(event));
          ofRows = extentOf([...ends(ofRows), firstStepOf(event), lastStepOf(event)]);
        } else if (event.type === 'media') {
          run.media[event.kind] = (run.media[event.kind] ?? 0) + 1;
          ofMedia = extentOf([...ends(ofMedia), event.step]);
        }
    }
    // What a revert superseded has the steps of what replaced it, or steps that the run does not have any more.
    const kept = (of: Extent | null, last: number) => ends(of).map((step) => Math.min(step, last));
    const [first = 0, last = -1] = kept(ofRows, head - 1);
    run.rows = Math.min(Math.max(0, ...rows.values()), last - first + 1);
    run.steps = extentOf([...kept(ofRows, head - 1), ...kept(ofMedia, head)]);
    return run;
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    return { ...unknownRun(group), error: error.message };
  }
}

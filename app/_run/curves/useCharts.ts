import { createElement, type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { delayed } from '~/app/_charts/delayed';
import { withNumbers } from '~/app/_charts/drawLoop';
import type { ChartSettings, LineSpec, RuleSpec } from '~/app/_charts/types';
import { type TimeAnchor, type XKind, type XMap, xMap } from '~/app/_charts/xMap';
import { kindOf, smoothingFor, smoothingWeight, useChartChoices, xSeriesOf } from '~/app/_live/chartSettings';
import { setCursor, useCursor } from '~/app/_live/cursor';
import type { History } from '~/app/_live/history';
import { together } from '~/app/_live/listeners';
import { timelineOf, useTimeline } from '~/app/_live/lists';
import { useRunStore } from '~/app/_live/RunProvider';
import { useReadOnly } from '~/app/_live/readOnly';
import { rowsSoFar } from '~/app/_live/runHistory';
import { clipRule, type Happenings, happeningsOf, timeAnchors } from '~/app/_live/runMarks';
import { type Source, useSelected } from '~/app/_live/select';
import { useSeries, withRole } from '~/app/_live/series';
import { stepFile } from '~/app/_live/stepFile';
import { useHistory, useWanted } from '~/app/_live/useHistory';
import { useRun, useView } from '~/app/_live/useRun';

/** Props that all charts of the run page share. A panel reads them once and passes them to its charts: the same object until one changes. */
export function useCharts() {
  const history = useHistory();
  const choices = useChartChoices((c) => ({ smoothSteps: c.smoothSteps, log: c.log, robust: c.robust }));
  const smoothed = useCursor(() => smoothingFor(choices, rowsSoFar()));
  const settings: ChartSettings = useMemo(
    () => ({ smoothing: smoothingWeight(smoothed), log: choices.log, robust: choices.robust }),
    [choices, smoothed],
  );
  // A bucket's width doubles as a run grows: with twice as many buckets as pixels, a bucket is never wider than a pixel.
  const onWidth = useCallback((width: number) => history.resolve(2 * width), [history]);
  const { runId } = useRunStore();
  const readOnly = useReadOnly();
  const stepFiles = useMemo(() => {
    if (readOnly) return undefined;
    return (lines: readonly LineSpec[]) => {
      const names = lines.map((l) => l.name);
      return [stepFile(runId, history, names, 'Every step') ?? []].flat();
    };
  }, [runId, history, readOnly]);
  const map = useXMap(history);
  const { marks, stops } = useHappenings();
  return useMemo(
    () => ({
      history,
      /** Props to spread into a chart. */
      chart: { map, settings, cursor: setCursor, subscribe: history.subscribe, onWidth, stepFiles, marks, stops },
    }),
    [history, map, settings, onWidth, stepFiles, marks, stops],
  );
}
export type Charts = ReturnType<typeof useCharts>;

function useXMap(history: History): XMap {
  const choice = useChartChoices((c) => c.x);
  const log = useChartChoices((c) => c.logX);
  const stepsPerEpoch = useView((v) => v.stepsPerEpoch, 0);
  const series = useSeries();
  const wanted = xSeriesOf(choice);
  const name = wanted !== null && series.some((s) => s.name === wanted) ? wanted : null;
  const kind = kindOf(choice) === 'series' && name === null ? 'step' : kindOf(choice);
  useWanted(history, [name]);
  const anchors = useAnchors(history, kind, name);
  return useMemo(() => xMap(kind, stepsPerEpoch, anchors, log, name ?? ''), [kind, stepsPerEpoch, anchors, log, name]);
}

/** How often an axis of time or of a series is updated from new rows; beyond the last row it is extrapolated. */
const FOLLOW_MS = 1000;

/** The points that define the axis: the times at which steps were reached, or a series' values at steps. */
function useAnchors(history: History, kind: XKind, name: string | null): readonly TimeAnchor[] {
  const store = useRunStore();
  const [anchors, setAnchors] = useState<readonly TimeAnchor[]>(none);
  useEffect(() => {
    if (kind === 'step' || kind === 'epoch') return setAnchors(none);
    const read = () => {
      const view = timelineOf(store);
      const rows = name === null ? history.times() : history.valuesOf(name);
      setAnchors((old) => {
        const next = rows.length > 0 || name !== null || !view ? rows : timeAnchors(view);
        return sameAnchors(old, next) ? old : next;
      });
    };
    read();
    const { ask, cancel } = delayed(read, FOLLOW_MS);
    return together([history.subscribe(ask), cancel]);
  }, [history, kind, name, store]);
  return anchors;
}

const sameAnchors = (a: readonly TimeAnchor[], b: readonly TimeAnchor[]): boolean =>
  a.length === b.length && a.every((x, i) => x.step === b[i]!.step && x.at === b[i]!.at);

/** What happened during the run, for charts and timelines. */
export const useHappenings = (): Happenings => useTimeline(happeningsOf, nothingHappened);
const nothingHappened: Happenings = { marks: [], stops: [] };

/** The clip threshold over time; null = the run has none, or the chart does not show it. */
export function useClipRule(history: History, shown = true): RuleSpec | null {
  const series = useSeries();
  const threshold = (shown && withRole(series, 'clipThreshold')?.name) || null;
  const share = (shown && withRole(series, 'clipped')?.name) || null;
  useWanted(history, [threshold, share]);
  const facts = useTimeline((v) => (shown ? { controls: v.controls, values: v.values, commands: v.commands } : null), null);
  const kept = useRef<RuleSpec | null>(null);
  const rule = useSelected(numbersOf(history), (h) => {
    const next = facts && clipRule(facts, series, threshold === null ? null : h.wholeCurve(threshold));
    if (!kept.current || !next || !sameRule(kept.current, next)) kept.current = next;
    return kept.current;
  });
  return useMemo(
    () =>
      rule?.marks && share !== null
        ? { ...rule, marks: { ...rule.marks, share: () => history.curve(share) ?? history.wholeCurve(share) } }
        : rule,
    [rule, share, history],
  );
}

const sameRule = (a: RuleSpec, b: RuleSpec): boolean =>
  a.marks?.line === b.marks?.line &&
  a.from.length === b.from.length &&
  a.from.every((f, i) => f.step === b.from[i]!.step && f.value === b.from[i]!.value);

/** The history as a source whose changes are told in the frames that show new numbers. */
function numbersOf(history: History): Source<History> {
  const known = sources.get(history);
  if (known) return known;
  const source = {
    get: () => history,
    subscribe: withNumbers(history.subscribe),
  };
  sources.set(history, source);
  return source;
}
const sources = new WeakMap<History, Source<History>>();

const none: never[] = [];

/** Printing waits for it. */
const reading = createElement('span', { 'data-waits': '' }, 'Reading the curve …');

/** Why a chart of these series is still empty; null = it is not. */
export function useNotice(history: History, names: readonly string[]): ReactNode {
  const { link, error } = useRun((s) => ({ link: s.link, error: s.error }));
  const status = useView((v) => v.status, null);
  const state = useSelected(numbersOf(history), (h) => {
    const curves = names.flatMap((n) => [h.curve(n), h.wholeCurve(n)]).filter((c) => c !== null);
    return { read: curves.length > 0, rows: curves.some((c) => c.count > 0), error: h.error };
  });
  // A chart that shows only evaluations waits for no series.
  if (names.length === 0) return null;
  if (!state.read && link === 'refused') return error ?? 'The server does not serve this run.';
  if (!state.read && state.error) return `The curve could not be read: ${state.error}. Trying again.`;
  if (!state.read) return reading;
  if (!state.rows) return status === 'queued' ? 'Waits for a trainer: no steps yet.' : 'No values.';
  return null;
}

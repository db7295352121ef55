'use client';

import { useCallback, useEffect, useMemo, useState } from 'react';
import type { ChartSettings, LineSpec } from '~/app/_charts/types';
import { type XMap, xMap } from '~/app/_charts/xMap';
import { smoothingWeight, useChartChoices } from '~/app/_live/chartSettings';
import { setCursor } from '~/app/_live/cursor';
import type { History } from '~/app/_live/history';
import { useRunStore } from '~/app/_live/RunProvider';
import { useReadOnly } from '~/app/_live/readOnly';
import { clipRule, marksOf, timeAnchors } from '~/app/_live/runMarks';
import { stepFile } from '~/app/_live/stepFile';
import { useHistory } from '~/app/_live/useHistory';
import { useRun, useView } from '~/app/_live/useRun';

/** What every chart of the run page shares. */
export function useCharts() {
  const history = useHistory();
  const choices = useChartChoices((c) => ({ smoothSteps: c.smoothSteps, log: c.log, robust: c.robust }));
  const settings: ChartSettings = useMemo(
    () => ({ smoothing: smoothingWeight(choices.smoothSteps), log: choices.log, robust: choices.robust }),
    [choices],
  );
  const subscribe = useCallback((listener: () => void) => history.subscribe(listener), [history]);
  // Buckets double their width as a run grows: twice the columns keep one a pixel or finer.
  const onWidth = useCallback((width: number) => history.resolve(2 * width), [history]);
  const { runId } = useRunStore();
  const readOnly = useReadOnly();
  const stepFiles = useMemo(
    () =>
      readOnly
        ? undefined
        : (lines: readonly LineSpec[]) =>
            [
              stepFile(
                runId,
                history,
                lines.map((l) => l.name),
                'Every step',
              ),
            ].filter((f) => f !== null),
    [runId, history, readOnly],
  );
  const map = useXMap();
  const { marks, stops, rule, evaluations } = useHappenings();
  /** To be spread into a chart. */
  const chart = { map, settings, cursor: setCursor, subscribe, onWidth, stepFiles, marks, stops };
  return { history, chart, rule, evaluations };
}

function useXMap(): XMap {
  const kind = useChartChoices((c) => c.x);
  const stepsPerEpoch = useView((v) => v.stepsPerEpoch, 0);
  const log = useChartChoices((c) => c.logX);
  const timed = kind === 'relative' || kind === 'wall';
  // Step and epoch need no clock: those charts do not follow every new event.
  const events = useView(
    (v) =>
      timed
        ? { s: v.statuses, e: v.evaluations, n: v.snapshots, c: v.checkpoints, step: v.step, at: v.updatedAt, made: v.createdAt }
        : null,
    null,
  );
  // The head is read, not followed: past the last event the clock goes on at its pace.
  const store = useRunStore();
  return useMemo(() => {
    const { view } = store.get();
    return xMap(kind, stepsPerEpoch, events && view ? timeAnchors(view) : [], log);
  }, [kind, stepsPerEpoch, events, store, log]);
}

function useHappenings() {
  const events = useView(
    (v) => ({
      commands: v.commands,
      evaluations: v.evaluations,
      checkpoints: v.checkpoints,
      snapshots: v.snapshots,
      alerts: v.alerts,
      statuses: v.statuses,
      notes: v.notes,
      controls: v.controls,
    }),
    null,
  );
  const setup = useView((v) => v.setup, null);
  const marks = useMemo(() => (events ? marksOf(events) : []), [events]);
  const rule = useMemo(() => (setup && events ? clipRule({ setup, commands: events.commands }) : null), [setup, events]);
  const stops = useMemo(() => (events ? events.snapshots.map((s) => s.step).sort((a, b) => a - b) : []), [events]);
  return { marks, rule, stops, evaluations: events?.evaluations ?? none };
}
const none: never[] = [];

/** Why a chart has nothing to show yet, or null. */
export function useNotice(history: History, names: readonly string[]): string | null {
  const { link, error } = useRun((s) => ({ link: s.link, error: s.error }));
  const status = useView((v) => v.status, null);
  const known = useView((v) => (v.series.length === 0 ? null : names.some((n) => v.series.some((s) => s.name === n))), null);
  const steps = useView((v) => v.step > 0, false);
  const [state, setState] = useState({ read: false, error: null as string | null });
  useEffect(() => {
    const look = () =>
      setState((old) => {
        const next = { read: names.some((n) => (history.curve(n) ?? history.wholeCurve(n)) !== null), error: history.error };
        return old.read === next.read && old.error === next.error ? old : next;
      });
    look();
    return history.subscribe(look);
  }, [history, names]);
  if (link === 'refused') return error ?? 'The server does not serve this run.';
  if (known === false) return 'This run does not record it.';
  if (!state.read && state.error) return `The curve could not be read: ${state.error}. Trying again.`;
  if (!state.read) return 'Reading the curve …';
  if (!steps) return status === 'queued' ? 'Waits for a trainer: no steps yet.' : 'No steps yet.';
  return null;
}

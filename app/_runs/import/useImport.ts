import { useRef, useState } from 'react';
import { describeError } from '~/app/_trpc/client';
import type { ImportChoice, ImportPlan, ImportResult, PlannedRun } from '~/shared/imports';
import type { ChosenFile } from './dropped';
import { OpenImport, type Progress } from './openImport';

export type ImportState =
  | { at: 'closed' }
  /** Nothing has been chosen yet. */
  | { at: 'choosing' }
  | { at: 'working'; title: string; progress: Progress | null }
  | { at: 'plan'; plan: ImportPlan; chosen: ReadonlyMap<string, ImportChoice> }
  | { at: 'done'; result: ImportResult }
  | { at: 'failed'; message: string };

/**
 * An import, from the choice of files to the written runs.
 *
 * @param onRuns receives the result; if it returns true, the caller continues from there and the dialog closes
 */
export function useImport(onRuns: (result: ImportResult) => boolean) {
  const [state, setState] = useState<ImportState>({ at: 'closed' });
  const open = useRef<OpenImport | null>(null);
  const control = useRef<AbortController | null>(null);
  /** Axes that the user chose, by the key of the run. */
  const axes = useRef(new Map<string, string>());

  const working = (title: string) => {
    setState({ at: 'working', title, progress: null });
    return (progress: Progress) => setState((now) => (now.at === 'working' ? { ...now, progress } : now));
  };
  const attempt = async (work: (signal: AbortSignal) => Promise<void>) => {
    control.current ??= new AbortController();
    const { signal } = control.current;
    try {
      await work(signal);
    } catch (error) {
      if (!signal.aborted) setState({ at: 'failed', message: describeError(error).message });
    }
  };
  const choiceOf = ({ key, here }: PlannedRun): ImportChoice => {
    const axis = axes.current.get(key);
    return { key, ...(axis !== undefined && { axis }), ...(here !== null && { asCopy: true }) };
  };
  const planned = async () => {
    const runs = [...axes.current].map(([key, axis]) => ({ key, axis }));
    const plan = await open.current!.plan({ runs }, working('Reading the files'));
    // A run that was imported before is copied only if the user selects it.
    const wanted = plan.runs.filter((run) => importable(run) && run.here === null);
    setState({ at: 'plan', plan, chosen: new Map(wanted.map((run) => [run.key, choiceOf(run)])) });
  };

  const close = () => {
    control.current?.abort();
    control.current = null;
    open.current?.end();
    open.current = null;
    axes.current.clear();
    setState({ at: 'closed' });
  };

  return {
    state,
    choose: () => setState({ at: 'choosing' }),
    close,
    take: (files: readonly ChosenFile[]) => {
      close();
      return attempt(async (signal) => {
        if (files.length === 0) throw new Error('the folder holds no file');
        open.current = await OpenImport.begin(files, signal, working('Sending the files'));
        await planned();
      });
    },
    /** Reads the files again with another axis for one run. */
    setAxis: (run: PlannedRun, axis: string) =>
      attempt(async () => {
        axes.current.set(run.key, axis);
        await planned();
      }),
    toggle: (run: PlannedRun) =>
      setState((now) => {
        if (now.at !== 'plan') return now;
        const chosen = new Map(now.chosen);
        if (!chosen.delete(run.key)) chosen.set(run.key, choiceOf(run));
        return { ...now, chosen };
      }),
    write: (choices: ImportChoice[]) =>
      attempt(async () => {
        const result = await open.current!.write({ runs: choices }, working('Writing the runs'));
        open.current = null;
        if (onRuns(result)) close();
        else setState({ at: 'done', result });
      }),
  };
}

export const importable = (run: PlannedRun): boolean => run.error === null;

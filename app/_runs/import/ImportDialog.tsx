import Link from 'next/link';
import { type ChangeEvent, type ReactNode, useEffect, useRef } from 'react';
import { Button } from '~/app/_components/Button';
import { Select } from '~/app/_components/Field';
import { bytes, count, dateTime } from '~/app/_components/format';
import { Modal } from '~/app/_components/Modal';
import { Progress as Bar } from '~/app/_components/Progress';
import type { ImportChoice, ImportPlan, ImportResult, PlannedRun } from '~/shared/imports';
import { counted } from '~/shared/numbers';
import { type ChosenFile, pickedFiles } from './dropped';
import type { Progress } from './openImport';
import { type ImportState, importable } from './useImport';

const kinds = 'Runs exported here, TensorBoard event files, CSV, JSON, MLflow’s folder; gzip and zip too.';

export interface ImportDialogProps {
  state: ImportState;
  onFiles(files: ChosenFile[]): void;
  onAxis(run: PlannedRun, axis: string): void;
  onToggle(run: PlannedRun): void;
  onWrite(choices: ImportChoice[]): void;
  onClose(): void;
}

/** Shows which runs the files contain before anything is written, then the progress of writing. */
export function ImportDialog({ state, onFiles, onAxis, onToggle, onWrite, onClose }: ImportDialogProps) {
  return (
    <Modal
      open={state.at !== 'closed'}
      onClose={onClose}
      title="Import runs"
      help={state.at === 'choosing' ? kinds : undefined}
      wide
    >
      {state.at === 'choosing' && <Choose onFiles={onFiles} />}
      {state.at === 'working' && <Working title={state.title} progress={state.progress} onCancel={onClose} />}
      {state.at === 'plan' && <Plan {...state} onAxis={onAxis} onToggle={onToggle} onWrite={onWrite} onCancel={onClose} />}
      {state.at === 'done' && <Done result={state.result} onClose={onClose} />}
      {state.at === 'failed' && (
        <div className="space-y-4 p-4">
          <p role="alert" className="break-words">
            Nothing was imported: {state.message}
          </p>
          <Footer>
            <Button onClick={onClose}>Close</Button>
          </Footer>
        </div>
      )}
    </Modal>
  );
}

const Footer = ({ children }: { children: ReactNode }) => <div className="flex flex-wrap justify-end gap-2">{children}</div>;

function Choose({ onFiles }: { onFiles(files: ChosenFile[]): void }) {
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const take = (event: ChangeEvent<HTMLInputElement>) => {
    const chosen = event.target.files ? pickedFiles(event.target.files) : [];
    event.target.value = '';
    if (chosen.length > 0) onFiles(chosen);
  };
  return (
    <div className="space-y-4 p-4">
      <input ref={files} type="file" multiple className="hidden" aria-label="Files to import" onChange={take} />
      <input
        ref={(element) => {
          folder.current = element;
          element?.setAttribute('webkitdirectory', '');
        }}
        type="file"
        className="hidden"
        aria-label="Folder to import"
        onChange={take}
      />
      <p className="rounded border border-line border-dashed p-6 text-center text-dim">
        Drop files or folders here, or choose them.
      </p>
      <Footer>
        <Button onClick={() => folder.current?.click()}>Choose a folder</Button>
        <Button look="primary" data-first onClick={() => files.current?.click()}>
          Choose files
        </Button>
      </Footer>
    </div>
  );
}

function Working({ title, progress, onCancel }: { title: string; progress: Progress | null; onCancel(): void }) {
  const { done = 0, total = 0, unit = 'files', doing = 'starting' } = progress ?? {};
  const words = (n: number) => (unit === 'bytes' ? bytes(n) : count(n));
  const far = total > 0 ? `${words(Math.min(done, total))} of ${words(total)}${unit === 'bytes' ? '' : ` ${unit}`}` : '';
  return (
    <div className="space-y-3 p-4" aria-live="polite">
      <p className="font-medium">{title}</p>
      <Bar step={done} total={total} label={title} words={`${doing} ${far}`} className="h-1 rounded" />
      <p className="truncate text-2xs text-dim" title={doing}>
        {doing} {far}
      </p>
      <Footer>
        <Button onClick={onCancel}>Cancel</Button>
      </Footer>
    </div>
  );
}

function Plan(props: {
  plan: ImportPlan;
  chosen: ReadonlyMap<string, ImportChoice>;
  onAxis(run: PlannedRun, axis: string): void;
  onToggle(run: PlannedRun): void;
  onWrite(choices: ImportChoice[]): void;
  onCancel(): void;
}) {
  const { plan, chosen, onAxis, onToggle, onWrite, onCancel } = props;
  // The dialog was open before there was a plan, with the focus on a button that is gone.
  const next = useRef<HTMLButtonElement>(null);
  useEffect(() => next.current?.focus(), []);
  return (
    <div className="flex min-h-0 flex-col">
      <ul className="min-h-0 divide-y divide-line overflow-y-auto" aria-label="Runs in the files">
        {plan.runs.map((run) => (
          <li key={run.key} className="flex items-start gap-3 px-4 py-3">
            <input
              type="checkbox"
              className="mt-0.5 size-4 shrink-0"
              aria-label={`Import ${run.name}`}
              checked={chosen.has(run.key)}
              disabled={!importable(run)}
              onChange={() => onToggle(run)}
            />
            <RunLines run={run} onAxis={onAxis} />
          </li>
        ))}
        {plan.leftOut.length > 0 && (
          <li className="px-4 py-3 text-2xs break-words text-dim">Not imported: {plan.leftOut.join('; ')}</li>
        )}
      </ul>
      <div className="border-t border-line p-4">
        <Footer>
          {plan.runs.some(importable) ? (
            <>
              <Button onClick={onCancel}>Cancel</Button>
              <Button ref={next} look="primary" disabled={chosen.size === 0} onClick={() => onWrite([...chosen.values()])}>
                Import {counted(chosen.size, 'run')}
              </Button>
            </>
          ) : (
            <Button ref={next} look="primary" onClick={onCancel}>
              Close
            </Button>
          )}
        </Footer>
      </div>
    </div>
  );
}

function RunLines({ run, onAxis }: { run: PlannedRun; onAxis(run: PlannedRun, axis: string): void }) {
  const samples = Object.entries(run.media).map(([kind, n]) => `${kind} ${count(n)}`);
  return (
    <div className="min-w-0 grow space-y-1">
      <p className="flex flex-wrap items-baseline gap-x-2">
        <span className="font-medium break-all">{run.name}</span>
        <span className="text-2xs text-dim">
          {run.format}
          {run.files.length > 1 && `, ${count(run.files.length)} files`}
        </span>
      </p>
      {run.error === null && (
        <p className="text-dim" title={run.series.names.join('\n')}>
          {count(run.series.count)} series, {counted(run.rows, 'row')}
          {run.steps && `, steps ${count(run.steps.first)} to ${count(run.steps.last)}`}
          {run.times && `, ${dateTime(run.times.first)}`}
          {samples.length > 0 && `, samples: ${samples.join(', ')}`}
          {run.settings > 0 && `, ${counted(run.settings, 'setting')}`}
        </p>
      )}
      {run.axes.length > 0 && (
        <div className="flex items-center gap-2 text-xs text-dim">
          <span aria-hidden className="shrink-0">
            Steps counted by
          </span>
          <Select
            className="w-56!"
            aria-label={`Steps of ${run.name} counted by`}
            options={run.axis === null ? ['', ...run.axes] : run.axes}
            value={run.axis ?? ''}
            onPick={(axis) => onAxis(run, axis)}
          />
        </div>
      )}
      {run.error !== null && <p className="break-words text-bad">{run.error}</p>}
      {run.here !== null && <p className="text-2xs">{run.here}: it comes in as a copy when it is chosen</p>}
      {run.notes.map((words) => (
        <p key={words} className="text-2xs break-words text-dim">
          {words}
        </p>
      ))}
      {run.leftOut.length > 0 && <p className="text-2xs break-words text-dim">Left out: {run.leftOut.join('; ')}</p>}
    </div>
  );
}

function Done({ result, onClose }: { result: ImportResult; onClose(): void }) {
  return (
    <div className="flex min-h-0 flex-col">
      <ul className="min-h-0 space-y-2 overflow-y-auto p-4" aria-label="Imported runs">
        {result.runs.map((run) => (
          <li key={run.key} className="break-words">
            {run.runId ? (
              <Link className="text-accent hover:underline" href={`/runs/${run.runId}`}>
                {run.name}
              </Link>
            ) : (
              <span className="text-bad">
                {run.name}: {run.error}
              </span>
            )}
            {run.leftOut && <span className="block text-2xs text-dim">Left out or assumed: {run.leftOut}</span>}
          </li>
        ))}
      </ul>
      <div className="border-t border-line p-4">
        <Footer>
          <Button look="primary" data-first onClick={onClose}>
            Close
          </Button>
        </Footer>
      </div>
    </div>
  );
}

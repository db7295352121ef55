import { CalendarClock } from 'lucide-react';
import { type FormEvent, useId, useMemo, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { inputClass } from '~/app/_components/Field';
import { useRunStore } from '~/app/_live/RunProvider';
import { useSeries } from '~/app/_live/series';
import { useRun, useView } from '~/app/_live/useRun';
import { useSteer } from '~/app/_live/useSteer';
import type { Condition } from '~/shared/commands';
import type { Measured } from '~/shared/conditions';
import { actionWithRole } from '~/shared/controls';
import type { WithLists } from '~/shared/view';
import { conditionOf, metricsOf, splitsOf, startTexts, type WhenTexts } from './schedule';
import { describeCommand, readText, startArgs, textOf } from './steering';

const small = `${inputClass} w-auto! max-w-full`;
const noEvaluations: WithLists['evaluations'] = [];

/** Schedules a change or an action: at a step, or once a number passes a value. Scheduled commands are listed and can be canceled. */
export function ScheduleForm({ why }: { why: string | null }) {
  const steer = useSteer();
  const store = useRunStore();
  const controls = useView((v) => v.controls, { values: [], actions: [] });
  const series = useSeries();
  const evaluations = useView((v) => v.latestEvaluations, noEvaluations);
  const measured: Measured = useMemo(() => ({ series, evaluations }), [series, evaluations]);
  const [what, setWhat] = useState('');
  const [value, setValue] = useState('');
  const [edits, setEdits] = useState<Partial<WhenTexts>>({});
  // Untouched fields show the first choice.
  const splits = splitsOf(measured);
  const split = edits.split ?? splits[0] ?? '';
  const metrics = metricsOf(measured, split);
  const when: WhenTexts = { ...startTexts, metric: metrics[0] ?? '', series: series[0]?.name ?? '', ...edits, split };
  const [problem, setProblem] = useState<string | null>(null);

  const actions = controls.actions.filter(
    (a) => a.role !== 'cancel' && a.args.every((arg) => arg.default !== null || arg.nullLabel !== null),
  );
  const targets = [...controls.values.map((c) => `set ${c.name}`), ...actions.map((a) => `act ${a.name}`)];
  const chosen = targets.includes(what) ? what : (targets[0] ?? '');
  const [kind, name] = chosen.split(' ');
  const spec = kind === 'set' ? controls.values.find((c) => c.name === name) : undefined;
  const action = kind === 'act' ? actions.find((a) => a.name === name) : undefined;
  if (!spec && !action) return null;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const { step: head = 0, totalSteps = 0 } = store.get().view ?? {};
    const read = conditionOf(when, head, totalSteps, measured);
    if (!read.ok) return setProblem(read.message);
    const worded = spec ? readText(spec, value) : null;
    if (worded && !worded.ok) return setProblem(worded.message);
    setProblem(null);
    const answer = await steer(
      spec && worded
        ? { kind: 'set', control: spec.name, value: worded.value, when: read.condition }
        : {
            kind: 'act',
            action: name!,
            args: startArgs(action!),
            when: read.condition,
          },
    );
    if (answer.ok) setValue('');
    else setProblem(answer.message);
  };
  const edit = (change: Partial<WhenTexts>) => setEdits({ ...edits, ...change });
  const options = spec?.type === 'boolean' ? ['true', 'false'] : spec?.options;

  return (
    <form onSubmit={submit} noValidate className="space-y-1.5 px-3 pb-2 text-xs">
      <div className="flex flex-wrap items-center gap-1.5">
        <select
          aria-label="What is to happen"
          className={small}
          value={chosen}
          disabled={why !== null}
          onChange={(e) => {
            setWhat(e.target.value);
            const next = controls.values.find((c) => `set ${c.name}` === e.target.value);
            setValue(next?.options?.[0] ?? (next?.type === 'boolean' ? 'true' : ''));
          }}
        >
          <optgroup label="Set">
            {controls.values.map((c) => (
              <option key={c.name} value={`set ${c.name}`}>
                {c.label}
              </option>
            ))}
          </optgroup>
          <optgroup label="Do">
            {actions.map((a) => (
              <option key={a.name} value={`act ${a.name}`}>
                {a.label}
                {a.args.length > 0 && ` (${a.args.map((arg) => textOf(arg.default)).join(', ')})`}
              </option>
            ))}
          </optgroup>
        </select>
        {spec &&
          (options ? (
            <select
              aria-label="New value"
              className={small}
              value={value}
              disabled={why !== null}
              onChange={(e) => setValue(e.target.value)}
            >
              {options.map((o) => (
                <option key={o}>{o}</option>
              ))}
            </select>
          ) : (
            <input
              aria-label="New value"
              className={`${small} w-24!`}
              placeholder={spec.nullLabel ?? 'new value'}
              value={value}
              disabled={why !== null}
              onChange={(e) => setValue(e.target.value)}
            />
          ))}
      </div>
      <div className="flex flex-wrap items-center gap-1.5">
        <select
          aria-label="When"
          className={small}
          value={when.kind}
          disabled={why !== null}
          onChange={(e) => edit({ kind: e.target.value as Condition['kind'] })}
        >
          <option value="step">at step</option>
          <option value="evaluation">when a set's</option>
          <option value="series">when a curve</option>
        </select>
        {when.kind === 'step' ? (
          <input
            aria-label="Step"
            className={`${small} w-24!`}
            inputMode="numeric"
            value={when.step}
            disabled={why !== null}
            onChange={(e) => edit({ step: e.target.value })}
          />
        ) : (
          <>
            {when.kind === 'evaluation' ? (
              <>
                <Named label="Set" value={split} options={splits} disabled={why !== null} onChange={(split) => edit({ split })} />
                <Named
                  label="Metric"
                  value={when.metric}
                  options={metrics}
                  disabled={why !== null}
                  onChange={(metric) => edit({ metric })}
                />
              </>
            ) : (
              <Named
                label="Curve"
                value={when.series}
                options={series.map((s) => s.name)}
                disabled={why !== null}
                onChange={(name) => edit({ series: name })}
              />
            )}
            <Choice
              label="Comparison"
              value={when.comparison}
              options={['>', '<']}
              onChange={(c) => edit({ comparison: c as '>' | '<' })}
            />
            <input
              aria-label="Value"
              className={`${small} w-20!`}
              inputMode="decimal"
              value={when.value}
              disabled={why !== null}
              onChange={(e) => edit({ value: e.target.value })}
            />
          </>
        )}
        <Button size="small" type="submit" disabled={why !== null} className="ml-auto">
          <CalendarClock aria-hidden size={12} />
          Schedule
        </Button>
      </div>
      {problem && (
        <p role="alert" className="text-2xs text-bad">
          {problem}
        </p>
      )}
      <Waiting why={why} />
    </form>
  );
}

/** A field for one of the known names. It accepts text, as there may be many names, and one may not exist yet. */
function Named({
  label,
  value,
  options,
  disabled,
  onChange,
}: {
  label: string;
  value: string;
  options: readonly string[];
  disabled: boolean;
  onChange(value: string): void;
}) {
  const id = useId();
  return (
    <>
      <input
        aria-label={label}
        className={`${small} w-28!`}
        list={id}
        autoComplete="off"
        placeholder={label.toLowerCase()}
        value={value}
        disabled={disabled}
        onChange={(e) => onChange(e.target.value)}
      />
      <datalist id={id}>
        {options.slice(0, 200).map((o) => (
          <option key={o} value={o} />
        ))}
      </datalist>
    </>
  );
}

function Choice({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: string;
  options: readonly string[];
  onChange(value: string): void;
}) {
  return (
    <select aria-label={label} className={small} value={value} onChange={(e) => onChange(e.target.value)}>
      {options.map((o) => (
        <option key={o}>{o}</option>
      ))}
    </select>
  );
}

/** Commands that wait for their condition, each with a button to cancel it. */
function Waiting({ why }: { why: string | null }) {
  const steer = useSteer();
  const youId = useRun((r) => r.you?.id ?? null);
  const listed = useView(({ openCommands, controls }) => ({ openCommands, controls }), null);
  const waiting = listed?.openCommands.filter((c) => c.outcome.status === 'scheduled') ?? [];
  const cancel = listed && actionWithRole(listed.controls, 'cancel');
  if (!listed || waiting.length === 0) return null;
  return (
    <ul aria-label="Scheduled" className="divide-y divide-line/70 border-t border-line/70">
      {waiting.map(({ command, actor }) => (
        <li key={command.id} className="flex items-center gap-2 py-0.5">
          <span className="min-w-0 flex-1">
            {describeCommand(listed, command)} <span className="text-dim">by {actor.id === youId ? 'you' : actor.name}</span>
          </span>
          {cancel && (
            <Button
              size="small"
              look="bare"
              disabled={why !== null}
              onClick={() => void steer({ kind: 'act', action: cancel.name, args: { commandId: command.id } })}
            >
              Call off
            </Button>
          )}
        </li>
      ))}
    </ul>
  );
}

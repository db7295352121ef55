import { CalendarClock } from 'lucide-react';
import { type FormEvent, useEffect, useId, useMemo, useRef, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { inputClass, Select } from '~/app/_components/Field';
import { Remark } from '~/app/_components/Remark';
import { rowNames } from '~/app/_components/rowNames';
import { useRunStore } from '~/app/_live/RunProvider';
import { useSeries } from '~/app/_live/series';
import { useRun, useView } from '~/app/_live/useRun';
import { useSteer } from '~/app/_live/useSteer';
import { boundsOf, type Measured } from '~/shared/conditions';
import { actionWithRole, unusual } from '~/shared/controlValues';
import { own } from '~/shared/own';
import type { WithLists } from '~/shared/view';
import { HoldButton } from './HoldButton';
import { conditionOf, metricsOf, seldom, splitsOf, startTexts, type WhenTexts } from './schedule';
import { describeCommand, readText, startArgs, textOf } from './steering';
import { ValueInput } from './ValueInput';

const small = 'w-auto! max-w-full';
const whenWords = [
  { value: 'step', text: 'at step' },
  { value: 'evaluation', text: 'when a set’s' },
  { value: 'series', text: 'when a curve' },
] as const;
const noEvaluations: WithLists['evaluations'] = [];
const noBounds = {};

/** Schedules a change or an action: at a step, or once a number passes a value. Scheduled commands are listed and can be canceled. */
export default function ScheduleForm({ why }: { why: string | null }) {
  const steer = useSteer();
  const store = useRunStore();
  const controls = useView((v) => v.controls, { values: [], actions: [] });
  const bounds = useView(boundsOf, noBounds);
  const series = useSeries();
  const evaluations = useView((v) => v.latestEvaluations, noEvaluations);
  const measured: Measured = useMemo(() => ({ series, evaluations, ...bounds }), [series, evaluations, bounds]);
  const [what, setWhat] = useState('');
  /** null = nothing was typed. */
  const [typed, setTyped] = useState<string | null>(null);
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
  const value = typed ?? spec?.options?.[0] ?? (spec?.type === 'boolean' ? 'true' : '');
  const current = useView((v) => (spec && own(v.values, spec.name)?.value) ?? null, null);
  const box = useRef<HTMLFormElement>(null);
  // The form opens at the end of a panel that scrolls. `void`: newer browsers answer with a promise, which React would call when the form closes.
  useEffect(() => void box.current?.scrollIntoView({ block: 'nearest' }), []);
  if (!spec && !action) return null;
  const meant = spec && readText(spec, value);
  const oddValue = spec && meant?.ok ? unusual(spec, meant.value, current) : null;
  const odd = oddValue ?? seldom(when, measured);

  const submit = async (event?: FormEvent) => {
    event?.preventDefault();
    // An unusual value needs its own button.
    if (event && odd !== null) return;
    const { step: head = 0, totalSteps = 0 } = store.get().view ?? {};
    const read = conditionOf(when, head, totalSteps, measured);
    if (!read.ok) return setProblem(read.message);
    if (meant && !meant.ok) return setProblem(meant.message);
    setProblem(null);
    const answer = await steer(
      spec && meant
        ? { kind: 'set', control: spec.name, value: meant.value, when: read.condition }
        : {
            kind: 'act',
            action: name!,
            args: startArgs(action!),
            when: read.condition,
          },
    );
    if (answer.ok) setTyped(null);
    else setProblem(answer.message);
  };
  const edit = (change: Partial<WhenTexts>) => setEdits({ ...edits, ...change });
  const off = why !== null;

  return (
    <form ref={box} onSubmit={submit} noValidate className="space-y-1.5 px-3 pb-2 text-xs">
      <div className="flex flex-wrap items-center gap-1.5">
        <select
          aria-label="What is to happen"
          className={`${inputClass} ${small}`}
          value={chosen}
          disabled={off}
          onChange={(e) => {
            setWhat(e.target.value);
            setTyped(null);
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
        {spec && (
          <ValueInput
            spec={spec}
            aria-label="New value"
            className={spec.options || spec.type === 'boolean' ? small : 'w-24!'}
            placeholder={spec.nullLabel ?? 'new value'}
            value={value}
            disabled={off}
            onText={setTyped}
          />
        )}
      </div>
      <div className="flex flex-wrap items-center gap-1.5">
        <Select
          aria-label="When"
          className={small}
          options={whenWords}
          value={when.kind}
          disabled={off}
          onPick={(kind) => edit({ kind })}
        />
        {when.kind === 'step' ? (
          <input
            aria-label="Step"
            className={`${inputClass} w-24!`}
            inputMode="numeric"
            value={when.step}
            disabled={off}
            onChange={(e) => edit({ step: e.target.value })}
          />
        ) : (
          <>
            {when.kind === 'evaluation' ? (
              <>
                <Named label="Set" value={split} options={splits} disabled={off} onChange={(split) => edit({ split })} />
                <Named
                  label="Metric"
                  value={when.metric}
                  options={metrics}
                  disabled={off}
                  onChange={(metric) => edit({ metric })}
                />
              </>
            ) : (
              <Named
                label="Curve"
                value={when.series}
                options={series.map((s) => s.name)}
                disabled={off}
                onChange={(name) => edit({ series: name })}
              />
            )}
            <Select
              aria-label="Comparison"
              className={small}
              options={['>', '<']}
              value={when.comparison}
              disabled={off}
              onPick={(comparison) => edit({ comparison })}
            />
            <input
              aria-label="Value"
              className={`${inputClass} w-20!`}
              value={when.value}
              disabled={off}
              onChange={(e) => edit({ value: e.target.value })}
            />
          </>
        )}
        <span className="ml-auto">
          {odd === null ? (
            <Button size="small" type="submit" disabled={off}>
              <CalendarClock aria-hidden size={12} />
              Schedule
            </Button>
          ) : (
            <HoldButton disabled={off} onHeld={() => void submit()}>
              Hold to schedule
            </HoldButton>
          )}
        </span>
      </div>
      {odd !== null && (
        <p role="status" className="text-right text-2xs text-warn">
          {odd}
        </p>
      )}
      {problem && <Remark tone="bad">{problem}</Remark>}
      <Waiting why={why} />
    </form>
  );
}

/** A field for one of the known names. It accepts text, as there may be many names, and one may not exist yet. */
function Named(props: {
  label: string;
  value: string;
  options: readonly string[];
  disabled: boolean;
  onChange(value: string): void;
}) {
  const { label, value, options, disabled, onChange } = props;
  const id = useId();
  return (
    <>
      <input
        aria-label={label}
        className={`${inputClass} w-28!`}
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

/** Commands that wait for their condition, each with a button to cancel it. */
function Waiting({ why }: { why: string | null }) {
  const steer = useSteer();
  const youId = useRun((r) => r.you?.id ?? null);
  const listed = useView(({ openCommands, controls }) => ({ openCommands, controls }), null);
  const waiting = listed?.openCommands.filter((c) => c.outcome.status === 'scheduled') ?? [];
  const cancel = listed && actionWithRole(listed.controls, 'cancel');
  if (!listed || waiting.length === 0) return null;
  const names = rowNames(waiting.map(({ command, actor }) => `${describeCommand(listed, command)} by ${actor.name}`));
  return (
    <ul aria-label="Scheduled" className="divide-y divide-line/70 border-t border-line/70">
      {waiting.map(({ command, actor }, i) => (
        <li key={command.id} className="flex items-center gap-2 py-0.5">
          <span className="min-w-0 flex-1">
            {describeCommand(listed, command)} <span className="text-dim">by {actor.id === youId ? 'you' : actor.name}</span>
          </span>
          {cancel && (
            <Button
              size="small"
              look="bare"
              of={names[i]}
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

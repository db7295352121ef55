import { type FormEvent, type ReactNode, useState } from 'react';
import { Button, type ButtonProps } from '~/app/_components/Button';
import { Confirm } from '~/app/_components/Confirm';
import { Remark } from '~/app/_components/Remark';
import { useView } from '~/app/_live/useRun';
import { useSteer } from '~/app/_live/useSteer';
import type { ActionSpec, ControlSpec, ControlValue } from '~/shared/controls';
import { describe } from '~/shared/controlValues';
import { own, put } from '~/shared/own';
import { describeCommand, open, readText, textOf } from './steering';
import { ValueInput } from './ValueInput';

/** One declared action: small fields for its arguments, a button, and a confirmation when it is risky. */
export function ActionButton(props: {
  action: ActionSpec;
  /** Why it cannot be used now; null = it can. */
  why: string | null;
  look?: ButtonProps['look'];
  icon?: ReactNode;
  disabled?: boolean;
  /** Hides the argument fields and sends the defaults. */
  compact?: boolean;
  /** For questions: the checkpoint whose parameters they are about; without it, the run's current parameters. */
  checkpoint?: string | undefined;
}) {
  const { action, why, look, icon, disabled = false, compact = false, checkpoint } = props;
  const steer = useSteer();
  const [texts, setTexts] = useState<Record<string, string>>({});
  const [problem, setProblem] = useState<string | null>(null);
  const [asking, setAsking] = useState<Record<string, ControlValue> | null>(null);
  const [sending, setSending] = useState(false);
  const taken = useView(
    (v) =>
      v.openCommands.some(
        (c) => c.command.kind === 'act' && c.command.action === action.name && c.outcome.status === 'requested' && open(c),
      ),
    false,
  );
  const waiting = sending || taken;
  const text = (arg: ControlSpec) => own(texts, arg.name) ?? textOf(arg.default);

  const send = async (args: Record<string, ControlValue>) => {
    setSending(true);
    const answer = await steer({ kind: 'act', action: action.name, args, ...(checkpoint !== undefined && { checkpoint }) });
    setSending(false);
    setProblem(answer.ok ? null : answer.message);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const args: Record<string, ControlValue> = {};
    for (const arg of action.args) {
      const read = readText(arg, text(arg));
      if (!read.ok) return setProblem(read.message);
      put(args, arg.name, read.value);
    }
    setProblem(null);
    if (action.risky) setAsking(args);
    else void send(args);
  };

  return (
    <form onSubmit={submit} className="min-w-0" noValidate>
      <div className="flex items-center gap-1">
        <Button
          type="submit"
          look={look}
          title={why ?? action.help}
          disabled={why !== null || disabled}
          aria-busy={waiting}
          counts={action.role === 'step'}
        >
          {icon}
          {action.label}
          {waiting && <span className="text-dim">…</span>}
        </Button>
        {!compact &&
          action.args.map((arg) => (
            <ValueInput
              key={arg.name}
              spec={arg}
              aria-label={arg.unit && arg.unit !== arg.label.toLowerCase() ? `${arg.label}, ${arg.unit}` : arg.label}
              title={`${arg.help} ${describe(arg)}`}
              className={arg.options || arg.type === 'boolean' ? 'w-auto!' : arg.type === 'text' ? '' : 'w-12!'}
              placeholder={arg.nullLabel ?? arg.label}
              value={text(arg)}
              onText={(t) => setTexts({ ...texts, [arg.name]: t })}
              disabled={why !== null}
            />
          ))}
      </div>
      {problem && <Remark tone="bad">{problem}</Remark>}
      <Confirm
        open={asking !== null}
        title={`${asking ? describeCommand({ controls: { values: [], actions: [action] } }, { kind: 'act', id: 'asking', runId: '', action: action.name, args: asking }) : action.label}?`}
        text={action.help}
        yes={action.label}
        why={why}
        onYes={() => asking && void send(asking)}
        onClose={() => setAsking(null)}
      />
    </form>
  );
}

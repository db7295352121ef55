import { Button } from '~/app/_components/Button';
import { rowNames } from '~/app/_components/rowNames';
import { useRun, useView } from '~/app/_live/useRun';
import { useAsk } from '~/app/_run/notes/useAsk';
import { api } from '~/app/_trpc/client';
import { describeCommand } from './steering';
import { useWhyNot } from './useWhyNot';

/** Commands that wait for a second operator. */
export function Proposals() {
  const view = useView(
    ({ runId, controls, openCommands, controlLock }) => ({ runId, controls, openCommands, controlLock }),
    null,
  );
  const why = useWhyNot();
  const you = useRun((r) => r.you);
  const { busy, ask } = useAsk();
  const waiting = view?.openCommands.filter((c) => c.outcome.status === 'proposed') ?? [];
  if (!view || waiting.length === 0) return null;
  const names = rowNames(waiting.map(({ command, actor }) => `${describeCommand(view, command)}, asked for by ${actor.name}`));
  // Whoever holds the control lock may ask for what a second operator approves.
  const whyNotApprove = (askedBy: string) => (view.controlLock?.holder.id === askedBy ? null : why);
  const answer = (commandId: string, approved: boolean) =>
    void ask(() => api.runs.answerProposal.mutate({ runId: view.runId, commandId, approved }));
  return (
    <ul className="divide-y divide-line/70 border-b border-line bg-warn/10" aria-label="Waiting for a second operator">
      {waiting.map(({ command, actor }, i) => (
        <li key={command.id} className="flex flex-wrap items-center gap-1.5 px-3 py-1.5 text-xs">
          <span className="min-w-40 flex-1">
            {actor.id === you?.id ? 'You ask' : `${actor.name} asks`} for {describeCommand(view, command)}
          </span>
          {actor.id !== you?.id && you?.role !== 'viewer' ? (
            <>
              <Button
                size="small"
                of={names[i]}
                disabled={busy || whyNotApprove(actor.id) !== null}
                title={whyNotApprove(actor.id) ?? undefined}
                onClick={() => answer(command.id, true)}
              >
                Approve
              </Button>
              <Button size="small" look="bare" of={names[i]} disabled={busy} onClick={() => answer(command.id, false)}>
                Decline
              </Button>
            </>
          ) : (
            <>
              <span className="text-dim">waits for a second operator</span>
              {actor.id === you?.id && you.role !== 'viewer' && (
                <Button size="small" look="bare" of={names[i]} disabled={busy} onClick={() => answer(command.id, false)}>
                  Take it back
                </Button>
              )}
            </>
          )}
        </li>
      ))}
    </ul>
  );
}

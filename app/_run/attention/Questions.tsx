import { ArrowDown, ArrowUp, X } from 'lucide-react';
import { nanoid } from 'nanoid';
import Link from 'next/link';
import { count } from '~/app/_components/format';
import { IconButton } from '~/app/_components/IconButton';
import { rowNames } from '~/app/_components/rowNames';
import { useOpenQuestions } from '~/app/_live/useOpenQuestions';
import { useAsk } from '~/app/_run/notes/useAsk';
import { api } from '~/app/_trpc/client';
import type { QuestionSummary } from '~/shared/viewerProtocol';

/**
 * Open questions about checkpoints: their progress, their order, and a button to cancel each.
 * @param only commands of one run whose questions are shown; without it, the questions of all runs are shown with the run's name
 */
export function Questions({ only, may = true }: { only?: readonly string[]; may?: boolean }) {
  // The answers arrive in the run's log. While there is no connection, the last list stays.
  const all = useOpenQuestions();
  const { busy, ask } = useAsk();
  const waiting = all.filter((q) => q.trainer === null);
  const shown = only ? all.filter((q) => only.includes(q.commandId)) : all;
  const move = ({ commandId }: QuestionSummary, to: number) =>
    void ask(() => api.runs.moveQuestion.mutate({ commandId, before: waiting[to]?.commandId ?? null }));
  const cancel = ({ runId, commandId }: QuestionSummary) =>
    void ask(() => api.runs.command.mutate({ kind: 'act', id: nanoid(), runId, action: 'cancel', args: { commandId } }));
  if (shown.length === 0) return null;
  const names = rowNames(shown.map((q) => `${q.label} of step ${count(q.step)}${only ? '' : ` of ${q.name}`}`));
  return (
    <ul aria-label="questions on their way" className="flex flex-col gap-1 text-xs">
      {shown.map((q, i) => {
        const at = waiting.indexOf(q);
        const name = names[i]!;
        return (
          <li key={q.commandId} className="flex flex-wrap items-center gap-1.5" data-question={q.trainer ? 'running' : 'queued'}>
            {!only && (
              <Link className="min-w-0 truncate text-accent" href={`/runs/${q.runId}`} title={q.name}>
                {q.name}
              </Link>
            )}
            <span>
              {q.label} <span className="text-dim">of step {count(q.step)}</span>
            </span>
            {q.trainer === null ? (
              <span className="text-dim">
                queued, {at === 0 ? 'next' : `${at} before it`}
                {q.why && `: ${q.why}`}
              </span>
            ) : (
              <>
                <progress
                  aria-label={`${name}, forward passes`}
                  className="h-1.5 w-16 appearance-none overflow-hidden rounded [&::-moz-progress-bar]:bg-accent [&::-webkit-progress-bar]:bg-line [&::-webkit-progress-value]:bg-accent"
                  value={q.done}
                  max={q.of || 1}
                />
                <span className="text-dim">
                  {q.of > 0 ? `${q.done} of ${q.of}` : 'opening'} on {q.trainer}
                </span>
              </>
            )}
            {may && (
              <span className="ml-auto flex">
                {at >= 0 && waiting.length > 1 && (
                  <>
                    <IconButton
                      size="small"
                      icon={ArrowUp}
                      label={`Move ${name} up`}
                      disabled={busy || at === 0}
                      onClick={() => move(q, at - 1)}
                    />
                    <IconButton
                      size="small"
                      icon={ArrowDown}
                      label={`Move ${name} down`}
                      disabled={busy || at === waiting.length - 1}
                      onClick={() => move(q, at + 2)}
                    />
                  </>
                )}
                <IconButton size="small" icon={X} label={`Cancel ${name}`} disabled={busy} onClick={() => cancel(q)} />
              </span>
            )}
          </li>
        );
      })}
    </ul>
  );
}

import { Lock } from 'lucide-react';
import { Button } from '~/app/_components/Button';
import { duration } from '~/app/_components/format';
import { Explain } from '~/app/_components/Glossary';
import { useNow } from '~/app/_components/useNow';
import { useRun, useView } from '~/app/_live/useRun';
import { useAsk } from '~/app/_run/notes/useAsk';
import { api } from '~/app/_trpc/client';
import type { Actor } from '~/shared/ids';
import { ended } from '~/shared/view';

const holdMs = 15 * 60_000;

/** The control lock, which lets only its holder steer: take it, request it, hand it over, decline a request, release it. */
export function ControlLock() {
  const { runId, controlLock, status } = useView((v) => ({ runId: v.runId, controlLock: v.controlLock, status: v.status }), {
    runId: '',
    controlLock: null,
    status: 'queued' as const,
  });
  const you = useRun((r) => r.you);
  const refused = useRun((r) => r.link === 'refused');
  const watchers = useRun((r) => r.watchers);
  const now = useNow(1_000) ?? 0;
  const { busy, ask } = useAsk();
  if (!you || you.role === 'viewer' || ended(status) || refused) return null;
  const turn = (request: Parameters<typeof api.runs.controlLock.mutate>[0]['request']) =>
    void ask(() => api.runs.controlLock.mutate({ runId, request }));
  const held = controlLock && (controlLock.until === null || controlLock.until > now) ? controlLock : null;
  const mine = held?.holder.id === you.id;
  const left = held?.until ? `, ${duration(held.until - now)} left` : '';
  // Of many people only the first are known.
  const away = watchers.people === watchers.listed.length && !watchers.listed.some((w) => w.actor.id === held?.holder.id);
  const asked = held?.askedBy.some((who) => who.id === you.id) === true;
  const asking: Actor[] = mine ? held.askedBy.filter((a, i, all) => all.findIndex((b) => b.id === a.id) === i) : [];
  return (
    <div
      className="flex flex-wrap items-center gap-1.5 border-b border-line px-3 py-1.5 text-xs"
      role="status"
      data-testid="control-lock"
    >
      <Lock aria-hidden size={13} className={mine ? 'text-accent' : 'text-dim'} />
      <span className="min-w-0 flex-1 text-dim">
        {mine
          ? `You hold the control lock${left}`
          : held
            ? `${held.holder.name} holds the control lock${left}${away ? ', and does not have this run open' : ''}`
            : 'Nobody holds the control lock'}
        <Explain term="controlLock" />
      </span>
      {mine && (
        <Button size="small" look="bare" disabled={busy} onClick={() => turn({ kind: 'release' })}>
          Release
        </Button>
      )}
      {held && !mine && (
        <Button size="small" look="bare" disabled={busy || asked} onClick={() => turn({ kind: 'ask' })}>
          {asked ? 'You asked for it' : 'Ask for it'}
        </Button>
      )}
      {(!held || (!mine && you.role === 'admin')) && (
        <Button
          size="small"
          look="bare"
          disabled={busy}
          title={`For ${holdMs / 60_000} minutes nobody else can steer this run`}
          onClick={() => turn({ kind: 'take', forMs: holdMs })}
        >
          Take it
        </Button>
      )}
      {asking.map((who) => (
        <span key={who.id} className="flex w-full items-center gap-1.5 text-warn">
          <span className="min-w-0 flex-1 wrap-anywhere">{who.name} asks for the control lock</span>
          <Button size="small" of={who.name} disabled={busy} onClick={() => turn({ kind: 'handOver', to: who, forMs: holdMs })}>
            Hand over
          </Button>
          <Button
            size="small"
            look="bare"
            of={who.name}
            disabled={busy}
            onClick={() => turn({ kind: 'refuse', askerId: who.id })}
          >
            Decline
          </Button>
        </span>
      ))}
    </div>
  );
}

'use client';

import { ShipWheel } from 'lucide-react';
import { Button } from '~/app/_components/Button';
import { duration } from '~/app/_components/format';
import { useNow } from '~/app/_components/useNow';
import { useRun, useView } from '~/app/_live/useRun';
import { useAsk } from '~/app/_run/notes/useAsk';
import { api } from '~/app/_trpc/client';
import { ended } from '~/shared/fold';
import type { Actor } from '~/shared/ids';

const holdMs = 15 * 60_000;

/** Who alone steers for now: take it, ask for it, hand it over, give it back. */
export function Wheel() {
  const { runId, wheel, status } = useView((v) => ({ runId: v.runId, wheel: v.wheel, status: v.status }), {
    runId: '',
    wheel: null,
    status: 'queued' as const,
  });
  const you = useRun((r) => r.you);
  const now = useNow(1_000) ?? 0;
  const { busy, ask } = useAsk();
  if (!you || you.role === 'viewer' || ended(status)) return null;
  const turn = (request: Parameters<typeof api.runs.wheel.mutate>[0]['request']) =>
    void ask(() => api.runs.wheel.mutate({ runId, request }));
  const held = wheel && (wheel.until === null || wheel.until > now) ? wheel : null;
  const mine = held?.holder.id === you.id;
  const left = held?.until ? `, ${duration(held.until - now)} left` : '';
  const asking: Actor[] = mine ? held.askedBy.filter((a, i, all) => all.findIndex((b) => b.id === a.id) === i) : [];
  return (
    <div
      className="flex flex-wrap items-center gap-1.5 border-b border-line px-3 py-1.5 text-xs"
      role="status"
      data-testid="wheel"
    >
      <ShipWheel aria-hidden size={13} className={mine ? 'text-accent' : 'text-dim'} />
      <span className="min-w-0 flex-1 text-dim">
        {mine ? `You hold the wheel${left}` : held ? `${held.holder.name} holds the wheel${left}` : 'Everybody who may steer can'}
      </span>
      {!held && (
        <Button size="small" look="bare" disabled={busy} onClick={() => turn({ kind: 'take', forMs: holdMs })}>
          Hold the wheel
        </Button>
      )}
      {mine && (
        <Button size="small" look="bare" disabled={busy} onClick={() => turn({ kind: 'release' })}>
          Release
        </Button>
      )}
      {held && !mine && (
        <Button size="small" look="bare" disabled={busy} onClick={() => turn({ kind: 'ask' })}>
          Ask for it
        </Button>
      )}
      {held && !mine && you.role === 'admin' && (
        <Button size="small" look="bare" disabled={busy} onClick={() => turn({ kind: 'take', forMs: holdMs })}>
          Take it
        </Button>
      )}
      {asking.map((who) => (
        <span key={who.id} className="flex w-full items-center justify-between gap-2 text-warn">
          {who.name} asks for the wheel
          <Button size="small" disabled={busy} onClick={() => turn({ kind: 'handOver', to: who })}>
            Hand over
          </Button>
        </span>
      ))}
    </div>
  );
}

import { useQuery } from '@tanstack/react-query';
import { Ago } from '~/app/_components/Ago';
import { Button } from '~/app/_components/Button';
import { Panel } from '~/app/_components/Panel';
import { api, useTrpc } from '~/app/_trpc/client';
import type { Session } from '~/shared/team';
import { Rows, rowClass } from './Rows';
import { useTeamChange } from './useTeam';
import { deviceName } from './words';

/** Signed-in browsers: the person's own, or everybody's for an admin. */
export function Sessions() {
  const trpc = useTrpc();
  const { data, error } = useQuery(trpc.team.sessions.queryOptions());
  const people = useQuery(trpc.team.people.queryOptions()).data ?? [];
  const revoke = useTeamChange((sessionId: string) => api.team.revokeSession.mutate({ sessionId }), 'Signed out');
  const nameOf = (s: Session) => people.find((p) => p.id === s.personId)?.name ?? s.personId;
  return (
    <Panel title="Sessions">
      <Rows
        data={data}
        error={error}
        empty="No browser is signed in: on this machine nobody needs to be."
        words={(s) => `${nameOf(s)}, ${deviceName(s.device)}`}
      >
        {(s: Session, name) => (
          <li key={s.id} className={rowClass}>
            <span className="max-w-1/2 truncate">{nameOf(s)}</span>
            <span className="min-w-28 flex-1 truncate text-2xs text-dim" title={s.device}>
              {deviceName(s.device)}
            </span>
            <span className="text-2xs text-dim">
              since <Ago at={s.since} suffix=" ago" />
            </span>
            <Button size="small" look="bare" of={name} onClick={() => revoke.mutate(s.id)}>
              Sign out
            </Button>
          </li>
        )}
      </Rows>
    </Panel>
  );
}

import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Ago } from '~/app/_components/Ago';
import { Avatar } from '~/app/_components/Avatars';
import { Button } from '~/app/_components/Button';
import { Confirm } from '~/app/_components/Confirm';
import { Select } from '~/app/_components/Field';
import { Panel } from '~/app/_components/Panel';
import { api, useTrpc } from '~/app/_trpc/client';
import type { Person, PersonRole } from '~/shared/team';
import { Rows, rowClass } from './Rows';
import { useTeamChange } from './useTeam';

export const roles: readonly PersonRole[] = ['viewer', 'operator', 'admin'];

/** All people on the team; an admin changes roles and removes people here. */
export function People({ admin, you }: { admin: boolean; you: string }) {
  const { data, error } = useQuery(useTrpc().team.people.queryOptions());
  const change = useTeamChange(
    (wish: { personId: string; role: PersonRole; expected: PersonRole }) => api.team.changePerson.mutate(wish),
    'Role changed',
  );
  const remove = useTeamChange(
    (personId: string) => api.team.removePerson.mutate({ personId }),
    'Removed; their open pages were signed out',
  );
  const [leaving, setLeaving] = useState<Person | null>(null);
  return (
    <Panel title="People">
      <Rows
        data={data}
        error={error}
        empty="Nobody has joined. On this machine you are the admin; others come in through an invite link."
        words={(p) => p.name}
      >
        {(p: Person, name) => (
          <li key={p.id} className={rowClass}>
            <Avatar id={p.id} name={p.name} />
            <span className="min-w-32 flex-1 truncate">
              {p.name} {p.id === you && <span className="text-dim">(you)</span>}
            </span>
            <span className="text-2xs text-dim">
              since <Ago at={p.since} suffix=" ago" />
            </span>
            {admin ? (
              <>
                <Select
                  aria-label={`Role of ${name}`}
                  className="w-auto! font-sans"
                  options={roles}
                  value={p.role}
                  onPick={(role) => change.mutate({ personId: p.id, role, expected: p.role })}
                />
                <Button size="small" look="bare" of={name} onClick={() => setLeaving(p)}>
                  Remove
                </Button>
              </>
            ) : (
              <span className="text-dim">{p.role}</span>
            )}
          </li>
        )}
      </Rows>
      <Confirm
        open={leaving !== null}
        title={`Remove ${leaving?.name ?? ''}?`}
        text="All their sessions end at once. What they did stays in the log."
        yes="Remove"
        why={admin ? null : 'only an admin removes people'}
        onYes={() => leaving && remove.mutate(leaving.id)}
        onClose={() => setLeaving(null)}
      />
    </Panel>
  );
}

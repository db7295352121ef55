'use client';

import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { Field, inputClass, Select } from '~/app/_components/Field';
import { duration } from '~/app/_components/format';
import { Panel } from '~/app/_components/Panel';
import { useNow } from '~/app/_components/useNow';
import { atBase } from '~/app/_live/base';
import { api, useTrpc } from '~/app/_trpc/client';
import type { Invite, PersonRole } from '~/shared/team';
import { roles } from './People';
import { Rows, rowClass } from './Rows';
import { Secret } from './Secret';
import { useInfo, useTeamChange } from './useTeam';

const hour = 3_600_000;
const lifetimes = { 'an hour': hour, 'a day': 24 * hour, 'a week': 168 * hour, 'a month': 720 * hour } as const;

/** Links that let people in, each for a role, so many uses, and so long. */
export function Invites() {
  const { data, error } = useQuery(useTrpc().team.invites.queryOptions());
  const now = useNow(30_000) ?? 0;
  const [role, setRole] = useState<PersonRole>('viewer');
  const [life, setLife] = useState<keyof typeof lifetimes>('a week');
  const [uses, setUses] = useState('1');
  const [secret, setSecret] = useState<string | null>(null);
  const make = useTeamChange(async (wish: { role: PersonRole; uses: number; expiresInMs: number }) =>
    setSecret((await api.team.invite.mutate(wish)).secret),
  );
  const revoke = useTeamChange((inviteId: string) => api.team.revokeInvite.mutate({ inviteId }), 'The link is dead');
  const wrong = /^\d+$/.test(uses) && Number(uses) >= 1 && Number(uses) <= 1000 ? null : 'a whole number from 1 to 1000';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!wrong) make.mutate({ role, uses: Number(uses), expiresInMs: lifetimes[life] });
  };
  const origin = useOutsideOrigin();
  const open = data?.filter((i) => i.used < i.uses && i.expiresAt > now);
  return (
    <Panel title="Invite links">
      <form onSubmit={submit} noValidate className="grid grid-cols-2 items-end gap-2 border-b border-line p-2 sm:grid-cols-4">
        <Field label="Role">
          {(ids) => (
            <Select
              {...ids}
              options={roles}
              value={role}
              onChange={(e) => setRole(e.target.value as PersonRole)}
              className="font-sans"
            />
          )}
        </Field>
        <Field label="Good for">
          {(ids) => (
            <Select
              {...ids}
              options={Object.keys(lifetimes)}
              value={life}
              onChange={(e) => setLife(e.target.value as keyof typeof lifetimes)}
              className="font-sans"
            />
          )}
        </Field>
        <Field label="Uses" error={wrong}>
          {(ids) => (
            <input {...ids} inputMode="numeric" className={inputClass} value={uses} onChange={(e) => setUses(e.target.value)} />
          )}
        </Field>
        <Button type="submit" look="primary" disabled={make.isPending}>
          Make a link
        </Button>
      </form>
      {secret && <Secret label="Send this link to whom you invite." text={`${origin}${atBase('/join')}?invite=${secret}`} />}
      <Rows data={open} error={error} empty="No open link.">
        {(i: Invite) => (
          <li key={i.id} className={rowClass}>
            <span className="flex-1">
              {i.role}, {i.uses - i.used} of {i.uses} {i.uses === 1 ? 'use' : 'uses'} left
            </span>
            <span className="text-2xs text-dim">
              by {i.madeBy}, ends in {duration(i.expiresAt - now)}
            </span>
            <Button size="small" look="bare" onClick={() => revoke.mutate(i.id)}>
              Revoke
            </Button>
          </li>
        )}
      </Rows>
    </Panel>
  );
}

/** The address to give to others: "127.0.0.1" is everybody's own machine. */
function useOutsideOrigin(): string {
  const outside = useInfo()?.addresses[0];
  if (typeof window === 'undefined') return '';
  const { origin, hostname, protocol, port } = window.location;
  const local = hostname === 'localhost' || hostname.startsWith('127.');
  return local && outside ? `${protocol}//${outside}${port && `:${port}`}` : origin;
}

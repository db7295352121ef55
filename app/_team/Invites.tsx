import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { ChoiceField, Select, TextField } from '~/app/_components/Field';
import { duration } from '~/app/_components/format';
import { Panel } from '~/app/_components/Panel';
import { useNow } from '~/app/_components/useNow';
import { atBase } from '~/app/_live/base';
import { api, useTrpc } from '~/app/_trpc/client';
import { counted } from '~/shared/numbers';
import type { Invite, PersonRole } from '~/shared/team';
import { roles } from './People';
import { Rows, rowClass } from './Rows';
import { Secret } from './Secret';
import { useInfo, useTeamChange } from './useTeam';

const hour = 3_600_000;
const lifetimes: Record<string, number> = { 'an hour': hour, 'a day': 24 * hour, 'a week': 168 * hour, 'a month': 720 * hour };

/** Links that admit people: each has a role, a number of uses and an expiry time. */
export function Invites() {
  const { data, error } = useQuery(useTrpc().team.invites.queryOptions());
  const now = useNow(30_000) ?? 0;
  const [role, setRole] = useState<PersonRole>('viewer');
  const [life, setLife] = useState('a week');
  const [uses, setUses] = useState('1');
  const [secret, setSecret] = useState<string | null>(null);
  const make = useTeamChange(async (wish: { role: PersonRole; uses: number; expiresInMs: number }) =>
    setSecret((await api.team.invite.mutate(wish)).secret),
  );
  const revoke = useTeamChange((inviteId: string) => api.team.revokeInvite.mutate({ inviteId }), 'The link no longer works');
  const wrong = /^\d+$/.test(uses) && Number(uses) >= 1 && Number(uses) <= 1000 ? null : 'a whole number from 1 to 1000';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!wrong) make.mutate({ role, uses: Number(uses), expiresInMs: lifetimes[life]! });
  };
  const { origins, loopback, addresses } = useOutside();
  const [chosen, setChosen] = useState('');
  const origin = origins.find((o) => o === chosen) ?? origins[0] ?? '';
  const open = data?.filter((i) => i.used < i.uses && i.expiresAt > now);
  return (
    <Panel title="Invite links">
      <form onSubmit={submit} noValidate className="grid grid-cols-2 items-start gap-2 border-b border-line p-2 sm:grid-cols-4">
        <ChoiceField label="Role" options={roles} value={role} onPick={setRole} />
        <ChoiceField label="Valid for" options={Object.keys(lifetimes)} value={life} onPick={setLife} />
        <TextField label="Uses" error={wrong} inputMode="numeric" value={uses} onChange={setUses} />
        <Button type="submit" look="primary" className="mt-4" disabled={make.isPending}>
          Make a link
        </Button>
      </form>
      {loopback && (
        <p role="note" className="border-b border-line px-3 py-2 text-warn">
          Nobody else can open a link to this server yet: it answers this machine only. Start it with{' '}
          <code className="font-mono text-ink">HOST=0.0.0.0</code>
          {addresses.length > 0
            ? `; others then reach it at ${addresses.join(' or ')}.`
            : '; this machine has no address in a network now.'}
        </p>
      )}
      {origins.length > 1 && (
        <label className="flex items-center gap-2 border-b border-line px-3 py-1 text-xs text-dim">
          Address in the link
          <Select className="w-auto!" options={origins} value={origin} onPick={setChosen} />
        </label>
      )}
      {secret && (
        <Secret
          label={
            isLocal(origin)
              ? 'The link works on this machine only: put the address at which others open this page in the place of its beginning.'
              : 'Send this link to whom you invite.'
          }
          text={`${origin}${atBase('/join')}?invite=${secret}`}
        />
      )}
      <Rows data={open} error={error} empty="No open link." words={wordsOf}>
        {(i: Invite, name) => (
          <li key={i.id} className={rowClass}>
            <span className="flex-1 whitespace-nowrap">{wordsOf(i)}</span>
            <span className="min-w-0 truncate text-2xs text-dim">
              by {i.madeBy}, ends in {duration(i.expiresAt - now)}
            </span>
            <Button size="small" look="bare" of={name} onClick={() => revoke.mutate(i.id)}>
              Revoke
            </Button>
          </li>
        )}
      </Rows>
    </Panel>
  );
}

const wordsOf = (i: Invite): string => `${i.role}, ${i.uses - i.used} of ${counted(i.uses, 'use')} left`;

const isLocal = (origin: string): boolean => /^https?:\/\/(localhost|127\.)/.test(origin);

/** Addresses at which others reach this server. `loopback`: it answers this machine only, so others cannot reach it. */
function useOutside(): { origins: string[]; loopback: boolean; addresses: readonly string[] } {
  const info = useInfo();
  if (typeof window === 'undefined' || !info) return { origins: [], loopback: false, addresses: [] };
  const { origin, protocol, port } = window.location;
  const others = info.addresses.map((address) => `${protocol}//${address}${port && `:${port}`}`);
  return {
    origins: isLocal(origin) && others.length > 0 ? others : [origin, ...others.filter((o) => o !== origin)],
    loopback: info.loopback,
    addresses: info.addresses,
  };
}

import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { ChoiceField } from '~/app/_components/Field';
import { date } from '~/app/_components/format';
import { Panel } from '~/app/_components/Panel';
import { api, useTrpc } from '~/app/_trpc/client';
import type { Token } from '~/shared/team';
import { NameField } from './fields';
import { Rows, rowClass } from './Rows';
import { Secret } from './Secret';
import { useTeamChange } from './useTeam';

const scopes: readonly Token['scope'][] = ['viewer', 'operator', 'admin', 'trainer'];
const day = 24 * 3_600_000;
const lifetimes: Record<string, number | null> = { 'a week': 7 * day, 'a year': 365 * day, 'until revoked': null };

/** Tokens with which scripts, agents and trainers on other machines sign in. */
export function Tokens() {
  const { data, error } = useQuery(useTrpc().team.tokens.queryOptions());
  const [name, setName] = useState('');
  const [scope, setScope] = useState<Token['scope']>('viewer');
  const [life, setLife] = useState('a week');
  const [secret, setSecret] = useState<string | null>(null);
  const make = useTeamChange(async (wish: Parameters<typeof api.team.makeToken.mutate>[0]) =>
    setSecret((await api.team.makeToken.mutate(wish)).secret),
  );
  const revoke = useTeamChange((tokenId: string) => api.team.revokeToken.mutate({ tokenId }), 'The token no longer works');
  const [problem, setProblem] = useState<string | null>(null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setProblem(name.trim() ? null : 'say what the token is for');
    if (name.trim()) make.mutate({ name, scope, expiresInMs: lifetimes[life]! });
  };
  return (
    <Panel title="Tokens">
      <form onSubmit={submit} noValidate className="grid grid-cols-2 items-start gap-2 border-b border-line p-2 sm:grid-cols-4">
        <NameField label="Purpose" person={false} error={problem} value={name} onChange={setName} />
        <ChoiceField label="Role" options={scopes} value={scope} onPick={setScope} />
        <ChoiceField label="Valid for" options={Object.keys(lifetimes)} value={life} onPick={setLife} />
        <Button type="submit" look="primary" className="mt-4" disabled={make.isPending}>
          Make a token
        </Button>
      </form>
      {secret && <Secret label="Send it as “authorization: Bearer …”." text={secret} />}
      <Rows data={data} error={error} empty="No token." words={(t) => `${t.name}, ${t.scope}`}>
        {(t: Token, name) => (
          <li key={t.id} className={rowClass}>
            <span className="min-w-0 flex-1 truncate">{t.name}</span>
            <span className="max-w-1/2 truncate text-2xs text-dim">
              {t.scope}, by {t.madeBy}, {t.expiresAt === null ? 'until revoked' : `until ${date(t.expiresAt)}`}
            </span>
            <Button size="small" look="bare" of={name} onClick={() => revoke.mutate(t.id)}>
              Revoke
            </Button>
          </li>
        )}
      </Rows>
    </Panel>
  );
}

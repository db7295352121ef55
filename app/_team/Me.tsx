import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Button, buttonClass } from '~/app/_components/Button';
import { Panel } from '~/app/_components/Panel';
import { atBase } from '~/app/_live/base';
import { api, describeError, useTrpc } from '~/app/_trpc/client';
import { ColorField, NameField } from './fields';
import { useTeamChange } from './useTeam';

/** The person's own name and color, as the others see them, and the accounts that sign the person in. */
export function Me({ you, provider }: { you: string; provider: string | null }) {
  const trpc = useTrpc();
  const { data } = useQuery(trpc.team.people.queryOptions());
  const accounts = useQuery(trpc.team.myAccounts.queryOptions()).data;
  const me = data?.find((p) => p.id === you);
  // Only what was typed: the rest follows the server.
  const [typed, setTyped] = useState<{ name?: string; color?: string }>({});
  const save = useTeamChange((wish: { name?: string; colour?: string }) => api.team.changeMe.mutate(wish), 'Saved');
  if (!me) return null;
  // While it is being saved the form takes no change: it would go with the edits that were saved.
  const type = (part: typeof typed) => !save.isPending && setTyped({ ...typed, ...part });
  const { name = me.name, color = me.colour } = typed;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate({ name: typed.name, colour: typed.color }, { onSuccess: () => setTyped({}) });
  };
  return (
    <Panel title="You">
      <form onSubmit={submit} noValidate className="grid grid-cols-[1fr_auto_auto] items-end gap-2 p-2">
        <NameField
          label="Name"
          person
          error={save.error ? describeError(save.error).message : null}
          value={name}
          onChange={(to) => type({ name: to })}
        />
        <ColorField label="Color" value={color} onChange={(to) => type({ color: to })} />
        <Button type="submit" of="you" disabled={save.isPending || (name === me.name && color === me.colour)}>
          Save
        </Button>
      </form>
      {provider !== null && accounts && (
        <p className="flex flex-wrap items-center gap-2 border-t border-line p-2 text-xs text-dim">
          {accounts.length > 0
            ? `${provider} signs you in as ${accounts.join(', ')}.`
            : `With an account at ${provider} you come in from any browser.`}
          <a className={buttonClass('plain', 'small')} href={atBase('/api/oidc/start?link&to=/team')}>
            Link an account
          </a>
        </p>
      )}
    </Panel>
  );
}

'use client';

import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useEffect, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { Panel } from '~/app/_components/Panel';
import { api, describeError, useTrpc } from '~/app/_trpc/client';
import { ColorField, NameField } from './fields';
import { useTeamChange } from './useTeam';

/** The person's own name and color, as the others see them. */
export function Me({ you }: { you: string }) {
  const { data } = useQuery(useTrpc().team.people.queryOptions());
  const me = data?.find((p) => p.id === you);
  const [name, setName] = useState('');
  const [color, setColor] = useState('#000000');
  const save = useTeamChange((wish: { name: string; colour: string }) => api.team.changeMe.mutate(wish), 'Saved');
  useEffect(() => {
    if (!me) return;
    setName(me.name);
    setColor(me.colour);
  }, [me]);
  if (!me) return null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate({ name, colour: color });
  };
  return (
    <Panel title="You">
      <form onSubmit={submit} noValidate className="grid grid-cols-[1fr_auto_auto] items-end gap-2 p-2">
        <NameField
          label="Name"
          person
          error={save.error ? describeError(save.error).message : null}
          value={name}
          onChange={setName}
        />
        <ColorField label="Color" value={color} onChange={setColor} />
        <Button type="submit" disabled={save.isPending || (name === me.name && color === me.colour)}>
          Save
        </Button>
      </form>
    </Panel>
  );
}

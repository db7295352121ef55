'use client';

import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useEffect, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { Field, inputClass } from '~/app/_components/Field';
import { Panel } from '~/app/_components/Panel';
import { api, useTrpc } from '~/app/_trpc/client';
import { useTeamChange } from './useTeam';

/** Controls and actions that a second operator has to approve. */
export function Approval({ editable }: { editable: boolean }) {
  const { data, error } = useQuery(useTrpc().team.needsApproval.queryOptions());
  const [text, setText] = useState('');
  useEffect(() => setText(data?.join(', ') ?? ''), [data]);
  const save = useTeamChange((names: string[]) => api.team.setNeedsApproval.mutate({ names }), 'Saved');
  const names = text.split(/[\s,]+/).filter(Boolean);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate([...new Set(names)]);
  };
  return (
    <Panel title="Second pair of eyes">
      <form onSubmit={submit} className="flex items-end gap-2 p-2">
        <div className="flex-1">
          <Field
            label="Needs a second operator"
            help="Names or roles of controls and actions, e.g. learningRate, stop. Asking for one waits until another operator approves."
            error={error?.message ?? null}
          >
            {(ids) => (
              <input
                {...ids}
                className={inputClass}
                disabled={!editable || !data}
                placeholder="nothing does"
                value={text}
                onChange={(e) => setText(e.target.value)}
              />
            )}
          </Field>
        </div>
        {editable && (
          <Button type="submit" disabled={save.isPending || !data || names.join() === data.join()}>
            Save
          </Button>
        )}
      </form>
    </Panel>
  );
}

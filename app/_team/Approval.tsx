import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { Panel } from '~/app/_components/Panel';
import { Remark } from '~/app/_components/Remark';
import { api, describeError, useTrpc } from '~/app/_trpc/client';
import { actionRole, controlRole } from '~/shared/controls';
import { afterConflict, type Values } from './editConflict';
import { useTeamChange } from './useTeam';

/** What runs of any trainer can declare, by role. A name that an older rule holds is listed too, so that it can be taken out. */
const roles: readonly string[] = [...controlRole.options, ...actionRole.options];

/** The words of the recipes' own controls, where they are not those of the role. */
const words: Readonly<Record<string, string>> = { clipThreshold: 'Clip value', clipMode: 'Clip by' };

/** "learningRate" as people read it. */
const wordsOf = (name: string): string =>
  words[name] ??
  (roles.includes(name)
    ? `${name[0]!.toUpperCase()}${name.slice(1).replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}`
    : name);

const ticked = (names: string[]): Values => new Map(names.map((name) => [wordsOf(name), 'yes']));

/** Controls and actions that a second operator has to approve. */
export function Approval({ editable }: { editable: boolean }) {
  const { data, error } = useQuery(useTrpc().team.needsApproval.queryOptions());
  /** The names as they were read, and what was ticked since; null: as stored. */
  const [edits, setEdits] = useState<{ from: string[]; ticks: Record<string, boolean> } | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const from = edits?.from ?? data ?? [];
  const listed = [...new Set([...roles, ...from])];
  const chosen = [...from, ...listed.filter((n) => !from.includes(n))].filter((n) => edits?.ticks[n] ?? from.includes(n));
  const changed = chosen.length !== from.length || chosen.some((n) => !from.includes(n));
  // While it is being saved the form takes no change: it would go with the edits that were saved.
  const toggle = (name: string, on: boolean) => !save.isPending && setEdits({ from, ticks: { ...edits?.ticks, [name]: on } });
  const save = useTeamChange(async ({ names, expected }: { names: string[]; expected: string[] }) => {
    try {
      await api.team.setNeedsApproval.mutate({ names, expected });
      setProblem(null);
    } catch (refused) {
      const now = await afterConflict(refused, expected, () => api.team.needsApproval.query(), ticked, setProblem);
      if (now) setEdits((e) => e && { ...e, from: now });
      throw refused;
    }
  }, 'Saved');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate({ names: chosen, expected: from }, { onSuccess: () => setEdits(null) });
  };
  return (
    <Panel title="Approval by a second person">
      <form onSubmit={submit} className="flex flex-col gap-2 p-2">
        <p className="text-xs text-dim">
          What somebody asks for below waits until another operator approves it.{!editable && ' An admin changes this.'}
        </p>
        {error && <p className="text-xs text-bad">{describeError(error).message}</p>}
        <fieldset
          className="grid grid-cols-2 gap-x-4 sm:grid-cols-3"
          aria-label="Needs a second operator"
          disabled={!editable || !data}
        >
          {listed.map((name) => (
            <label key={name} className="flex min-h-6 items-center gap-2">
              <input type="checkbox" checked={chosen.includes(name)} onChange={(e) => toggle(name, e.target.checked)} />
              {wordsOf(name)}
            </label>
          ))}
        </fieldset>
        {problem && <Remark tone="bad">{problem}</Remark>}
        {editable && (
          <Button type="submit" of="approval by a second person" className="self-start" disabled={save.isPending || !changed}>
            Save
          </Button>
        )}
      </form>
    </Panel>
  );
}

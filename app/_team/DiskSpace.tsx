import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { Field, inputClass } from '~/app/_components/Field';
import { binaryBytes, count } from '~/app/_components/format';
import { numberTyped } from '~/app/_components/numberTyped';
import { api, describeError, useTrpc } from '~/app/_trpc/client';
import { counted } from '~/shared/numbers';
import { afterConflict, type Values } from './editConflict';
import { useTeamChange } from './useTeam';

const gibibyte = 2 ** 30;
const kinds = ['quotaBytes', 'checkpointBytes'] as const;
type Kind = (typeof kinds)[number];
type Limits = Record<Kind, number>;

const about: Record<Kind, { what: string; keeps: string }> = {
  quotaBytes: {
    what: 'Snapshots',
    keeps: 'the first, the last, those of alerts, notes, commands and the best and final parameters; signals stay whole',
  },
  checkpointBytes: {
    what: 'Checkpoints',
    keeps:
      'the first, the newest five, those that somebody asked for, branched from or asked about, and the last before the best result, each note and each alert',
  },
};

const valuesOf = (limits: Limits): Values => new Map(kinds.map((kind) => [about[kind].what, binaryBytes(limits[kind])]));

/** Whole bytes of a text in GiB; a text says what would fit instead. */
function bytesTyped(text: string): number | string {
  const typed = numberTyped(text);
  if (typed === null) return 'give a number of GiB, e.g. 4 or 0.5';
  if (typed < 0.001) return `give at least 0.001 GiB (1 MiB), not ${text.trim()}`;
  if (typed > 8_000_000) return `give at most 8,000,000 GiB, not ${text.trim()}`;
  return Math.round(typed * gibibyte);
}

const unedited = { from: null, typed: {} };

/** How much of the disk a run may take for snapshots and checkpoints, and, of the run `runId`, how much it takes. */
export function DiskSpaceForm({ editable, runId = null }: { editable: boolean; runId?: string | null }) {
  const trpc = useTrpc();
  const { data, error } = useQuery(trpc.retention.get.queryOptions());
  const use = useQuery({ ...trpc.retention.use.queryOptions({ runId: runId ?? '' }), enabled: runId !== null }).data;
  // The limits as they were when one was typed, and only what was typed: the rest follows the server.
  const [{ from, typed }, setEdits] = useState<{ from: Limits | null; typed: Partial<Record<Kind, string>> }>(unedited);
  const [problem, setProblem] = useState<string | null>(null);
  const read = () => api.retention.get.query();
  const save = useTeamChange(
    async (wish: Partial<Limits>) => {
      // Only those that are changed: two people may set one each.
      const expected = Object.fromEntries(Object.keys(wish).map((kind) => [kind, from![kind as Kind]]));
      try {
        await api.retention.set.mutate({ ...wish, expected });
        setProblem(null);
      } catch (refused) {
        const now = await afterConflict(refused, from!, read, valuesOf, setProblem);
        if (now) setEdits((e) => ({ ...e, from: now }));
        throw refused;
      }
    },
    'Saved',
    'retention',
  );
  const refused = save.error && describeError(save.error);
  const textOf = (kind: Kind): string => typed[kind] ?? (data ? String(data[kind] / gibibyte) : '');
  const problemOf = (kind: Kind): string | null => {
    const read = typed[kind] === undefined ? null : bytesTyped(typed[kind]);
    return typeof read === 'string' ? read : refused?.field === kind ? refused.message : null;
  };
  const changed = kinds.filter((kind) => typed[kind] !== undefined && bytesTyped(typed[kind]) !== data?.[kind]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const wish = Object.fromEntries(changed.map((kind) => [kind, bytesTyped(textOf(kind))]));
    if (Object.values(wish).every((bytes) => typeof bytes === 'number'))
      save.mutate(wish, { onSuccess: () => setEdits(unedited) });
  };
  return (
    <>
      {error && <p className="px-3 py-4 text-bad">{describeError(error).message}</p>}
      {!data && !error && <p className="px-3 py-4 text-dim">Loading…</p>}
      {data && (
        <form onSubmit={submit} noValidate className="flex flex-col gap-3 p-2">
          <p className="text-xs text-dim">
            The limits hold for every run of this server. When a run takes more, some go at its next snapshot or checkpoint, until
            nine tenths are left; its activity says so. Samples and answers to questions have no limit: they go with their run.
          </p>
          {kinds.map((kind) => {
            const { what, keeps } = about[kind];
            const taken = use?.[kind];
            const limit = bytesTyped(textOf(kind));
            const over = taken && typeof limit === 'number' && taken.bytes > limit;
            return (
              <div key={kind}>
                <Field
                  label={`${what} of a run take at most`}
                  unit="GiB"
                  error={problemOf(kind)}
                  help={`Always kept: ${keeps}. Of the others evenly spaced ones stay.`}
                >
                  {(ids) => (
                    <input
                      {...ids}
                      className={inputClass}
                      disabled={!editable}
                      value={textOf(kind)}
                      readOnly={save.isPending}
                      onChange={(e) => setEdits({ from: from ?? data, typed: { ...typed, [kind]: e.target.value } })}
                    />
                  )}
                </Field>
                {taken && (
                  <p className={`text-2xs ${over ? 'text-warn' : 'text-dim'}`} data-testid={`use-${kind}`}>
                    This run takes {binaryBytes(taken.bytes)}: {count(taken.count)} {what.toLowerCase()}.
                    {over && ` With this limit about ${binaryBytes(taken.bytes - 0.9 * limit)} of them go.`}
                  </p>
                )}
              </div>
            );
          })}
          {use && use.unlimited.count > 0 && (
            <p className="text-2xs text-dim">
              Samples and answers to questions of this run take {binaryBytes(use.unlimited.bytes)}:{' '}
              {counted(use.unlimited.count, 'file')}.
            </p>
          )}
          {(problem ?? (refused?.field === null && refused.message)) && (
            <p role="alert" className="text-bad">
              {problem ?? refused?.message}
            </p>
          )}
          {editable ? (
            <Button
              type="submit"
              of="limits"
              look="primary"
              className="self-end"
              disabled={save.isPending || changed.length === 0}
            >
              Save
            </Button>
          ) : (
            <p className="text-2xs text-dim">An admin changes the limits.</p>
          )}
        </form>
      )}
    </>
  );
}

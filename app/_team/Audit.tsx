import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import Link from 'next/link';
import { useState } from 'react';
import { saveFile } from '~/app/_charts/exportChart';
import { Ago } from '~/app/_components/Ago';
import { Button } from '~/app/_components/Button';
import { inputClass, Select } from '~/app/_components/Field';
import { Panel } from '~/app/_components/Panel';
import { toast } from '~/app/_live/toast';
import { api, describeError, useTrpc } from '~/app/_trpc/client';
import { runIdPattern } from '~/shared/paths';
import type { AuditEvent, AuditPage, AuditRow } from '~/shared/team';
import { Rows, rowClass } from './Rows';
import { describeAuditEvent, toldBy } from './words';

const groups: Record<string, AuditEvent['type'][] | null> = {
  everything: null,
  commands: ['command.requested', 'command.applied', 'command.refused'],
  people: [
    'person.joined',
    'person.changed',
    'person.removed',
    'account.linked',
    'invite.made',
    'invite.revoked',
    'session.opened',
    'session.revoked',
  ],
  tokens: ['token.made', 'token.revoked'],
  runs: ['run.created', 'run.changed'],
  rules: ['approval.rules', 'watchdog.rules', 'retention.limits'],
};
const pageSize = 200;

/** The run that people name by its id or by the address of its page; null = none, undefined = this is neither. */
function runIdIn(text: string): string | null | undefined {
  const last = text
    .trim()
    .replace(/[?#].*/, '')
    .split('/')
    .filter(Boolean)
    .at(-1);
  if (last === undefined) return null;
  return runIdPattern.test(last) ? last : undefined;
}

/** All actions of all people, from the hash-chained audit log, newest first. */
export function Audit() {
  const [group, setGroup] = useState('everything');
  const [run, setRun] = useState('');
  const [person, setPerson] = useState('');
  const [saving, setSaving] = useState(false);
  const trpc = useTrpc();
  const ofRun = runIdIn(run);
  const filter = { actorId: person || null, runId: ofRun ?? null, kinds: groups[group] ?? null };
  const { data, error, hasNextPage, fetchNextPage, isFetching } = useInfiniteQuery({
    queryKey: [...trpc.team.audit.pathKey(), filter],
    queryFn: ({ pageParam }) => api.team.audit.query({ ...filter, limit: pageSize, newestFirst: true, fromSeq: pageParam }),
    initialPageParam: null as number | null,
    getNextPageParam: (last) => last.nextSeq,
    enabled: ofRun !== undefined,
  });
  const people = useQuery(trpc.team.people.queryOptions()).data ?? [];
  const rows = ofRun === undefined ? [] : data?.pages.flatMap((p) => p.rows);
  const told = toldBy(rows?.toReversed() ?? [], people, Object.assign({}, ...(data?.pages.map((p) => p.names) ?? [])));
  /** Saves all rows that match the filter, including those not loaded yet. */
  const save = async () => {
    setSaving(true);
    const lines: string[] = [];
    try {
      for (let from: number | null = 1; from !== null; ) {
        const page: AuditPage = await api.team.audit.query({ ...filter, limit: 1000, fromSeq: from });
        for (const row of page.rows) lines.push(JSON.stringify(row));
        from = page.nextSeq;
      }
    } catch (problem) {
      toast.error(describeError(problem).message);
      return;
    } finally {
      setSaving(false);
    }
    saveFile('headroom-audit.jsonl', `${lines.join('\n')}\n`, 'application/jsonl');
  };
  return (
    <div className="lg:col-span-2">
      <Panel
        title="Audit log"
        aside={
          <span className="flex flex-wrap items-center gap-2">
            <input
              aria-label="Only of this run"
              placeholder="run id or address"
              className={`${inputClass} w-40!`}
              aria-invalid={ofRun === undefined}
              value={run}
              onChange={(e) => setRun(e.target.value)}
            />
            <Select
              aria-label="Which rows"
              className="w-auto! max-w-44 font-sans"
              options={Object.keys(groups)}
              value={group}
              onPick={setGroup}
            />
            <Select
              aria-label="Whose rows"
              className="w-auto! max-w-44 font-sans"
              options={[{ value: '', text: 'everybody' }, ...people.map((p) => ({ value: p.id, text: p.name }))]}
              value={person}
              onPick={setPerson}
            />
            <Button
              size="small"
              onClick={() => void save()}
              disabled={!rows?.length || saving}
              title="Save all rows of this choice as JSON lines"
            >
              <Download aria-hidden size={12} /> Export
            </Button>
          </span>
        }
      >
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
        <section className="relative max-h-96 overflow-y-auto" tabIndex={0} aria-label="Rows of the log">
          <Rows
            data={rows}
            error={error}
            empty={
              ofRun === undefined
                ? 'This is not the id of a run. The id is the last part of the address of the run’s page.'
                : 'No such row.'
            }
          >
            {(row: AuditRow) => (
              <li key={row.seq} className={rowClass}>
                <span className="w-12 text-right font-mono text-2xs text-dim">{row.seq}</span>
                <span className="w-28 truncate">{row.actor.name}</span>
                <span className="order-last min-w-0 basis-full break-words sm:order-none sm:flex-1 sm:basis-0">
                  {describeAuditEvent(row.event, told)}
                </span>
                {'runId' in row.event && row.event.runId !== null && Object.hasOwn(told.runs, row.event.runId) && (
                  <Link href={`/runs/${row.event.runId}`} className="font-mono text-2xs text-accent hover:underline">
                    {row.event.runId}
                  </Link>
                )}
                <span className="hidden font-mono text-2xs text-dim sm:inline" title={row.hash}>
                  {row.hash.slice(0, 8)}
                </span>
                <span className="text-2xs text-dim">
                  <Ago at={row.at} suffix=" ago" />
                </span>
              </li>
            )}
          </Rows>
          {hasNextPage && (
            <p className="p-1 text-center">
              <Button size="small" look="bare" disabled={isFetching} onClick={() => void fetchNextPage()}>
                More
              </Button>
            </p>
          )}
        </section>
      </Panel>
    </div>
  );
}

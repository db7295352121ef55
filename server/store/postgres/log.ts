import { type Append, FencedError, StaleHeadError } from '~/server/store';
import { firstLink, nextLink } from '~/server/store/chain';
import { pack, unpack } from '~/shared/pack';
import { seqCount } from '~/shared/rows';
import type { RunSummary } from '~/shared/summary';
import type { RunView } from '~/shared/view';
import type { Database } from './database';

/** A run as far as its log goes. */
export interface Position {
  head: number;
  attempt: number;
  nextEvent: number;
  /** The hash chain of the log (store/chain.ts). */
  chain: Uint8Array;
}

/** A run as PostgreSQL has it. A run that was removed and made again has another `id`. */
export interface RunRow extends Position {
  id: number;
  runId: string;
  /** Number of appends. */
  version: number;
  /** Of the saved view; 0 = there is none. */
  viewSeq: number;
}

const position = 'head, attempt, next_event AS "nextEvent", chain';

export const samePosition = (a: Position, b: Position): boolean =>
  a.head === b.head && a.attempt === b.attempt && a.nextEvent === b.nextEvent && Buffer.compare(a.chain, b.chain) === 0;

/** Where a log ends after an append. */
export function positionAfter(before: Position | null, { after, attempt, nextEvent, entries }: Append): Position {
  return {
    head: entries.reduce((head, { event }) => head + seqCount(event), after),
    attempt,
    nextEvent,
    chain: entries.reduce(nextLink, before?.chain ?? firstLink),
  };
}

const runs = `SELECT id, run_id AS "runId", version, ${position}, coalesce(seq, 0) AS "viewSeq"
  FROM headroom.runs LEFT JOIN headroom.views ON run = id`;

export const runRows = (database: Database): Promise<RunRow[]> => database.ask<RunRow>(runs);

export const runRow = async (database: Database, runId: string): Promise<RunRow | null> =>
  (await database.ask<RunRow>(`${runs} WHERE run_id = $1`, [runId]))[0] ?? null;

/** The last append after which a run's log was at this position; null = it never was. */
export async function versionAt(database: Database, run: number, at: Position): Promise<number | null> {
  const sql =
    'SELECT max(version) AS version FROM headroom.appends WHERE run = $1 AND head = $2 AND attempt = $3 AND next_event = $4 AND chain = $5';
  const values = [run, at.head, at.attempt, at.nextEvent, at.chain];
  return (await database.ask<{ version: number | null }>(sql, values))[0]!.version;
}

const create = `done AS (
  INSERT INTO headroom.runs (run_id, version, head, attempt, next_event, chain)
  SELECT $2::text, 1, $4::bigint, $5::bigint, $6::bigint, $7::bytea FROM fence WHERE $3::bigint = 0 AND $9::bigint = 0
  ON CONFLICT (run_id) DO NOTHING RETURNING 1 AS is, id, version
)`;
const move = `done AS (
  UPDATE headroom.runs SET version = version + 1, head = $4, attempt = $5, next_event = $6, chain = $7
  FROM fence WHERE run_id = $2 AND head = $3 AND attempt <= $5 AND version = $9 RETURNING 1 AS is, id, version
)`;
const keep = `, kept AS (
  INSERT INTO headroom.appends (run, version, head, attempt, next_event, chain, payload)
  SELECT id, version, $4, $5, $6, $7, $8 FROM done
)`;

/**
 * Appends to the run's log, all or none. `before`: the log as this node knows it; null = the run does not exist.
 *
 * @param payload the packed append (`pack`)
 * @throws FencedError, StaleHeadError, LeaseLostError
 */
export async function appendRow(database: Database, write: Append, payload: Uint8Array, before: RunRow | null): Promise<RunRow> {
  const { runId, after, attempt } = write;
  const next = positionAfter(before, write);
  const values = [runId, after, next.head, attempt, next.nextEvent, next.chain, payload, before?.version ?? 0];
  const { done, repeated } = await database.write<{ id: number; version: number }>((before ? move : create) + keep, values);
  if (done[0]) return { runId, ...next, id: done[0].id, version: done[0].version, viewSeq: before?.viewSeq ?? 0 };
  const stored = await runRow(database, runId);
  // The answer to an earlier try was lost, and it took effect: only this node writes, so the log ends with these entries.
  if (repeated && stored && samePosition(stored, next)) return stored;
  if (stored && stored.attempt > attempt) throw new FencedError(runId, attempt, stored.attempt);
  throw new StaleHeadError(runId, after, stored?.head ?? 0);
}

/** Most appends of one query, and bytes after which it takes no further one. */
const PAGE = 200;
const PAGE_BYTES = 8 << 20;

const page = `SELECT version, payload, ${position} FROM (
  SELECT *, sum(octet_length(payload)) OVER (ORDER BY version) - octet_length(payload) AS before FROM headroom.appends
  WHERE run = $1 AND version > $2 ORDER BY version LIMIT ${PAGE}
) AS next WHERE before < ${PAGE_BYTES} ORDER BY version`;

/**
 * The appends of a run after `from`, in pages, each with the position after it.
 *
 * @throws Error when one is not what was written: its entries do not have the hash that was stored with them
 */
export async function* appendsAfter(
  database: Database,
  { id, runId }: RunRow,
  from: { version: number; at: Position | null },
): AsyncGenerator<{ write: Append; position: Position; version: number }[]> {
  let { version, at } = from;
  for (;;) {
    const rows = await database.ask<Position & { version: number; payload: Buffer }>(page, [id, version]);
    if (rows.length === 0) return;
    yield rows.map(({ payload, ...row }) => {
      const write = unpack(payload) as Append;
      const reached = positionAfter(at, write);
      if (row.version !== version + 1 || !samePosition(reached, row))
        throw new Error(
          `run ${runId}: append ${version + 1} in PostgreSQL is not what was written (it ends at ${reached.head}, expected ${row.head}); restore a backup of the database`,
        );
      at = reached;
      version = row.version;
      return { write, position: reached, version };
    });
  }
}

/** Keeps the newest view, so that a node that takes over need not fold the log from its beginning. */
export async function saveViewRow(database: Database, view: RunView, summary: RunSummary): Promise<void> {
  const sql = `done AS (
    INSERT INTO headroom.views SELECT id, $3, $4 FROM fence, headroom.runs WHERE run_id = $2
    ON CONFLICT (run) DO UPDATE SET seq = excluded.seq, saved = excluded.saved WHERE views.seq <= excluded.seq RETURNING 1 AS is
  )`;
  await database.write(sql, [view.runId, view.seq, pack({ view, summary })]);
}

export async function savedView(database: Database, { id }: RunRow): Promise<{ view: RunView; summary: RunSummary } | null> {
  const sql = 'SELECT saved FROM headroom.views WHERE run = $1';
  const [row] = await database.ask<{ saved: Buffer }>(sql, [id]);
  return row ? (unpack(row.saved) as { view: RunView; summary: RunSummary }) : null;
}

export async function removeRow(database: Database, runId: string): Promise<void> {
  await database.write('done AS (DELETE FROM headroom.runs USING fence WHERE run_id = $2 RETURNING 1 AS is)', [runId]);
}

export async function settingOf(database: Database, key: string): Promise<string | null> {
  const rows = await database.ask<{ value: string }>('SELECT value FROM headroom.settings WHERE key = $1', [key]);
  return rows[0]?.value ?? null;
}

export async function saveSetting(database: Database, key: string, value: string): Promise<void> {
  const sql = `done AS (
    INSERT INTO headroom.settings SELECT $2, $3 FROM fence ON CONFLICT (key) DO UPDATE SET value = excluded.value RETURNING 1 AS is
  )`;
  await database.write(sql, [key, value]);
}

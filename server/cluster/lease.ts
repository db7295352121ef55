import type { Database } from '~/server/store/postgres/database';

/** Who leads, by PostgreSQL's own clock. */
export interface Leader {
  number: number;
  /** Where the other nodes reach it. */
  address: string;
  /** It lets everybody in without a login. */
  open: boolean;
  /** Nobody leads: the lease has run out or was given back. */
  free: boolean;
}

/** Time between two renewals, and between two looks of a node that stands by. */
export const renewEveryMs = 1_000;
export const lookEveryMs = 250;

const until = "until = clock_timestamp() + interval '3.5 seconds', backend = pg_backend_pid()";
/**
 * Three and a half seconds after the last renewal; after one and a half if the leader's connection has ended too: then its process was
 * most likely killed, and if it was not, it had time to renew from another connection.
 */
const free = `(until < clock_timestamp() OR (
  until < clock_timestamp() + interval '2 seconds' AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = backend)
))`;

export async function leader(database: Database): Promise<Leader> {
  return (await database.ask<Leader>(`SELECT number, address, open, ${free} AS free FROM headroom.lease`))[0]!;
}

/**
 * Takes the lease if it is free, under the next number: from then on no write of an earlier leader is possible, because every
 * write checks the number.
 */
export async function takeLease(database: Database, { address, open }: Pick<Leader, 'address' | 'open'>): Promise<boolean> {
  const sql = `UPDATE headroom.lease SET number = number + 1, address = $1, open = $2, ${until} WHERE ${free} RETURNING number`;
  const [taken] = await database.ask<{ number: number }>(sql, [address, open]);
  if (taken) database.fence = taken.number;
  return taken !== undefined;
}

/** @returns false when another node has taken the lease. One that has run out, but that nobody took, is held again. */
export async function renewLease(database: Database): Promise<boolean> {
  const sql = `UPDATE headroom.lease SET ${until} WHERE number = $1 RETURNING number`;
  return (await database.ask(sql, [database.fence])).length > 0;
}

export const giveLeaseBack = (database: Database): Promise<object[]> =>
  database.ask("UPDATE headroom.lease SET until = '-infinity' WHERE number = $1", [database.fence]);

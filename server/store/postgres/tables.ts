import type { ClientBase } from 'pg';

/** Raised with every change of the tables, together with a step in `prepare` from each older format. */
const FORMAT = 2;

/**
 * The truth of every run. `appends` holds each append to a run's log whole (log.ts); `version` counts them per run. `lease` has
 * one row: the node that may write, and the connection from which it renews. Its number is the key, so that writes can lock it
 * (FOR KEY SHARE) without delaying renewals, which change only the time, while a takeover, which changes the number, waits for them.
 * The bytes of a blob are in `blob_parts`, or in the object that its row names (objects.ts).
 */
const tables = `
CREATE TABLE headroom.database (id text NOT NULL, format integer NOT NULL);
CREATE TABLE headroom.lease (
  number bigint PRIMARY KEY,
  address text NOT NULL,
  open boolean NOT NULL,
  until timestamptz NOT NULL,
  backend integer NOT NULL
);
INSERT INTO headroom.lease VALUES (0, '', false, '-infinity', 0);
CREATE TABLE headroom.runs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id text NOT NULL UNIQUE,
  version bigint NOT NULL,
  head bigint NOT NULL,
  attempt bigint NOT NULL,
  next_event bigint NOT NULL,
  chain bytea NOT NULL
);
CREATE TABLE headroom.appends (
  run bigint NOT NULL REFERENCES headroom.runs ON DELETE CASCADE,
  version bigint NOT NULL,
  head bigint NOT NULL,
  attempt bigint NOT NULL,
  next_event bigint NOT NULL,
  chain bytea NOT NULL,
  payload bytea NOT NULL,
  PRIMARY KEY (run, version)
);
CREATE TABLE headroom.views (run bigint PRIMARY KEY REFERENCES headroom.runs ON DELETE CASCADE, seq bigint NOT NULL, saved bytea NOT NULL);
CREATE TABLE headroom.settings (key text PRIMARY KEY, value text NOT NULL);
CREATE TABLE headroom.blobs (hash text PRIMARY KEY, bytes bigint NOT NULL, object text);
CREATE TABLE headroom.blob_parts (hash text NOT NULL, part integer NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (hash, part));
ALTER TABLE headroom.blob_parts ALTER bytes SET STORAGE EXTERNAL;
CREATE TABLE headroom.audit (seq bigint PRIMARY KEY, row text NOT NULL);
`;

/** Any number of our own: nodes that start at the same time make the tables one after the other. */
const PREPARING = 0x48524d31;

/**
 * Makes the tables in a database that has none.
 *
 * @param newId null: tables are needed, none are made
 * @returns the id of this database, which tells the data folders that index it from others
 * @throws Error with a message for people when there are no tables, or a newer Headroom wrote them
 */
export async function prepare(client: ClientBase, newId: string | null): Promise<string> {
  await client.query('BEGIN');
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [PREPARING]);
    const there =
      "SELECT to_regclass('headroom.database') IS NOT NULL AS known, to_regnamespace('headroom') IS NOT NULL AS schema";
    const [{ known, schema }] = (await client.query(there)).rows;
    if (!known && newId === null)
      throw new Error('DATABASE_URL: no Headroom server has used this database; give the address of one that has');
    // Its owner may have made it for a user who may make none.
    if (!schema) await client.query('CREATE SCHEMA headroom');
    if (!known) {
      await client.query(tables);
      await client.query('INSERT INTO headroom.database VALUES ($1, $2)', [newId, FORMAT]);
    }
    const [{ id, format }] = (await client.query('SELECT id, format FROM headroom.database')).rows;
    if (format > FORMAT)
      throw new Error(
        `DATABASE_URL: the database was written by a newer Headroom (format ${format}, this one knows ${FORMAT}); update Headroom`,
      );
    if (format < 2) await client.query('ALTER TABLE headroom.blobs ADD COLUMN object text');
    if (format < FORMAT) await client.query('UPDATE headroom.database SET format = $1', [FORMAT]);
    await client.query('COMMIT');
    return id;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

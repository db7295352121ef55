import type Database from 'better-sqlite3';
import { parse, stringify } from '~/shared/json';
import { keysOf, mostSubjects, subjectKeys } from '~/shared/listKeys';
import {
  type ItemQuery,
  inOrder,
  type ListMark,
  type ListQuery,
  type MarksQuery,
  type Near,
  type NearQuery,
} from '~/shared/listQueries';
import { isOfSteps, type ListChange } from '~/shared/lists';
import { revertRecord } from '~/shared/revert';
import { type CommandRecord, type ListItems, type ListKind, listKinds } from '~/shared/view';
import { type Crc, checkRow, openInsert } from './checksums';

/**
 * The lists that grow with a run, one row per item in force, updated with every append (shared/lists.ts has the rules). They can
 * be rebuilt from the entries.
 */
export const itemTables = `
CREATE TABLE items (
  run INTEGER NOT NULL REFERENCES runs(id),
  kind TEXT NOT NULL,
  seq INTEGER NOT NULL,
  step INTEGER,
  id TEXT,
  ref TEXT,
  tag TEXT,
  item TEXT NOT NULL,
  crc INTEGER,
  PRIMARY KEY (run, kind, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX itemIds ON items(run, kind, id) WHERE id IS NOT NULL;
CREATE INDEX itemSteps ON items(run, kind, step, seq);
CREATE INDEX itemRefs ON items(run, kind, ref, seq) WHERE ref IS NOT NULL;
CREATE INDEX itemTags ON items(run, kind, tag, seq) WHERE tag IS NOT NULL;
`;

const ofSteps = listKinds
  .filter(isOfSteps)
  .map((kind) => `'${kind}'`)
  .join(', ');

interface Row extends Crc {
  seq: number;
  step: number | null;
  id: string | null;
  ref: string | null;
  tag: string | null;
  item: string;
}

const fields = 'seq, step, id, ref, tag, item, crc';

/** Applies changes to the lists of the run with this number. Must be called inside a transaction. */
export function openItemWrites(db: Database.Database): (run: number, changes: readonly ListChange[]) => void {
  const sql = {
    // The unique id moves with its command: REPLACE deletes the row at the earlier seq.
    put: openInsert(db, 'items', 'REPLACE'),
    byId: db.prepare<[number, string, string], Row>(`SELECT ${fields} FROM items WHERE run = ? AND kind = ? AND id = ?`),
    drop: db.prepare('DELETE FROM items WHERE run = ? AND kind = ? AND seq = ?'),
    dropNote: db.prepare("DELETE FROM items WHERE run = ? AND kind = 'notes' AND (id = ? OR ref = ?)"),
    supersede: db.prepare(
      `DELETE FROM items WHERE run = ? AND kind IN (${ofSteps}) AND seq <= ? AND step >= ? AND NOT (step = ? AND CASE kind
         WHEN 'analyses' THEN coalesce(json_extract(item, '$.checkpointSeq'), seq) ELSE seq END <= ?)`,
    ),
    answeredAfter: db.prepare<[number, number], Row>(
      `SELECT ${fields} FROM items WHERE run = ? AND kind = 'commands' AND json_extract(item, '$.outcome.seq') > ?`,
    ),
  };

  function put<K extends ListKind>(run: number, kind: K, item: ListItems[K]): void {
    sql.put({ run, kind, seq: item.seq, ...keysOf(kind, item), item: stringify(item) });
  }

  return (run, changes) => {
    for (const change of changes)
      switch (change.op) {
        case 'put':
          put(run, change.kind, change.item);
          break;
        case 'patch': {
          const known = sql.byId.get(run, change.kind, change.id);
          if (known)
            put(run, change.kind, {
              ...(itemOf(run, change.kind, known) as ListItems['commands' | 'notes']),
              ...change.patch,
            } as never);
          break;
        }
        case 'drop':
          if (change.kind === 'notes') sql.dropNote.run(run, change.id, change.id);
          else for (const seq of change.seqs) sql.drop.run(run, change.kind, seq);
          break;
        case 'supersede':
          sql.supersede.run(run, change.seq, change.fromStep, change.fromStep, change.keepSeq);
          break;
        case 'revert':
          for (const row of sql.answeredAfter.all(run, change.checkpoint.seq)) {
            const record = itemOf(run, 'commands', row) as CommandRecord;
            const next = revertRecord(record, change);
            if (next !== record) put(run, 'commands', next);
          }
      }
  };
}

export interface ItemReads {
  list<K extends ListKind>(query: ListQuery<K>): ListItems[K][];
  item<K extends ListKind>(query: ItemQuery<K>): ListItems[K] | null;
  near<K extends ListKind>(query: NearQuery<K>): Near<ListItems[K]>;
  marks(query: MarksQuery): ListMark[];
}

/** @throws DamagedError */
function itemOf(run: number, kind: ListKind, row: Row): unknown {
  checkRow(() => `run number ${run}: item ${row.seq} of ${kind}`, 'items', { run, kind, ...row });
  return parse(row.item);
}

/** @param runOf the number of a run; null when there is no such run */
export function openItemReads(db: Database.Database, runOf: (runId: string) => number | null): ItemReads {
  const prepared = new Map<string, Database.Statement<unknown[], Row>>();
  const prepare = (text: string) => {
    const known = prepared.get(text) ?? db.prepare<unknown[], Row>(text);
    prepared.set(text, known);
    return known;
  };
  const select = `SELECT ${fields} FROM items WHERE run = ? AND kind = ?`;
  const items = <K extends ListKind>(run: number, kind: K, rows: Row[]) => rows.map((r) => itemOf(run, kind, r) as ListItems[K]);

  return {
    list(q) {
      const run = runOf(q.runId);
      if (run === null) return [];
      const where: string[] = [];
      const values: unknown[] = [run, q.kind];
      const only = (condition: string, value: unknown) => {
        if (value === undefined) return;
        where.push(` AND ${condition} ?`);
        values.push(value);
      };
      only('seq <', q.before);
      only('seq >', q.after);
      only('step >=', q.fromStep);
      only('step <', q.toStep);
      only('ref =', q.ref);
      only('tag =', q.tag);
      const newest = q.after === undefined;
      const text = `${select}${where.join('')} ORDER BY seq ${newest ? 'DESC' : 'ASC'} LIMIT ?`;
      const found = prepare(text).all(...values, q.limit);
      return items(run, q.kind, newest ? found.reverse() : found);
    },

    item(q) {
      const run = runOf(q.runId);
      if (run === null) return null;
      const [column, value] = 'seq' in q ? ['seq', q.seq] : 'id' in q ? ['id', q.id] : ['ref', q.ref];
      const found = prepare(`${select} AND ${column} = ? ORDER BY seq DESC LIMIT 1`).get(run, q.kind, value);
      return found ? (itemOf(run, q.kind, found) as never) : null;
    },

    near({ runId, kind, step, limit }) {
      const run = runOf(runId);
      if (run === null) return { before: [], after: [] };
      const before = prepare(`${select} AND step <= ? ORDER BY step DESC, seq DESC LIMIT ?`).all(run, kind, step, limit);
      const after = prepare(`${select} AND step > ? ORDER BY step, seq LIMIT ?`).all(run, kind, step, limit);
      return { before: items(run, kind, before.reverse()), after: items(run, kind, after) };
    },

    marks({ runId, kinds, fromStep, toStep, buckets }) {
      const run = runOf(runId);
      if (run === null) return [];
      const of = 'WHERE run = ? AND kind = ? AND step >= ? AND step < ?';
      const ends = prepare(`SELECT min(step) AS first, max(step) AS last FROM items ${of}`) as unknown as Database.Statement<
        unknown[],
        { first: number; last: number }
      >;
      const marked = (keys: readonly string[]) => {
        const text = `SELECT m.firstStep, m.lastStep, m.count, ${fields} FROM (
            SELECT max(seq) AS newest, min(step) AS firstStep, max(step) AS lastStep, count(*) AS count FROM items
            ${of} GROUP BY ${['CAST((step - ?) / ? AS INTEGER)', ...keys].join()}
          ) AS m JOIN items ON items.run = ? AND items.kind = ? AND items.seq = m.newest`;
        return prepare(text) as unknown as Database.Statement<
          unknown[],
          { firstStep: number; lastStep: number; count: number } & Row
        >;
      };
      return kinds
        .flatMap((kind) => {
          const range = [run, kind, fromStep, toStep];
          const { first, last } = ends.get(...range)!;
          const keys = subjectKeys[kind] ?? [];
          const most = mostSubjects * buckets;
          const subjects = (): unknown[] =>
            prepare(`SELECT DISTINCT ${keys.join()} FROM items ${of} LIMIT ?`).all(...range, most + 1);
          return marked(keys.length > 0 && subjects().length <= most ? keys : [])
            .all(...range, first, Math.max(1, (last + 1 - first) / buckets), run, kind)
            .map(
              ({ firstStep: step, lastStep, count, ...row }) =>
                ({ kind, step, lastStep, count, item: itemOf(run, kind, row) }) as ListMark,
            );
        })
        .sort(inOrder);
    },
  };
}

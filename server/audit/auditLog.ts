import type { Actor } from '~/shared/ids';
import { type AuditEvent, type AuditRow, emptyTeam, foldTeam, type Team } from '~/shared/team';
import { nextRow } from './chain';

/** Storage of the audit log: append-only, in order. */
export interface AuditStore {
  /** Resolves once the rows survive a kill of the process. */
  appendAudit(rows: AuditRow[]): Promise<void>;
  /** Rows from `fromSeq` on, in order, at most `limit`. */
  audit(query: { fromSeq: number; limit: number }): Promise<AuditRow[]>;
}

const pageRows = 1000;

/** The audit log and the team folded from it. One writer at a time: rows are chained in the order of the calls to `record`. */
export class AuditLog {
  #team: Team = emptyTeam;
  #last: AuditRow | null = null;
  #writing: Promise<unknown> = Promise.resolve();
  readonly #listeners = new Set<(row: AuditRow, team: Team) => void>();

  private constructor(
    private readonly store: AuditStore,
    private readonly clock: () => number,
  ) {}

  /** Reads the whole log once; both the rows and the team are small. */
  static async open(store: AuditStore, clock: () => number): Promise<AuditLog> {
    const auditLog = new AuditLog(store, clock);
    for await (const row of auditLog.rows(1)) auditLog.#take(row);
    return auditLog;
  }

  get team(): Team {
    return this.#team;
  }

  /**
   * Calls `decide` with the current team and writes its events; resolves once they are on disk. If it throws, nothing is written.
   */
  record<T>(actor: Actor, decide: (team: Team) => { events: AuditEvent[]; result: T }): Promise<T> {
    const turn = this.#writing.then(async () => {
      const { events, result } = decide(this.#team);
      const rows: AuditRow[] = [];
      for (const event of events) rows.push(nextRow(rows.at(-1) ?? this.#last, this.clock(), actor, event));
      if (rows.length > 0) await this.store.appendAudit(rows);
      for (const row of rows) this.#take(row);
      for (const row of rows) for (const listener of this.#listeners) listener(row, this.#team);
      return result;
    });
    // A failed call must not fail the next one in the queue.
    this.#writing = turn.catch(() => {});
    return turn;
  }

  /** The same for events without a result. */
  async append(actor: Actor, decide: (team: Team) => AuditEvent[]): Promise<void> {
    await this.record(actor, (team) => ({ events: decide(team), result: undefined }));
  }

  /** Rows from `fromSeq` on, in order. */
  async *rows(fromSeq: number): AsyncGenerator<AuditRow> {
    for (let next = fromSeq; ; ) {
      const page = await this.store.audit({ fromSeq: next, limit: pageRows });
      yield* page;
      if (page.length < pageRows) return;
      next = page.at(-1)!.seq + 1;
    }
  }

  /** Rows from `fromSeq` back to the first one; null = from the last one. */
  async *newestFirst(fromSeq: number | null): AsyncGenerator<AuditRow> {
    const last = this.#last?.seq ?? 0;
    for (let next = Math.min(fromSeq ?? last, last); next >= 1; next -= pageRows) {
      const first = Math.max(1, next - pageRows + 1);
      yield* (await this.store.audit({ fromSeq: first, limit: next - first + 1 })).toReversed();
    }
  }

  /** Waits until pending writes are done. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  onRow(listener: (row: AuditRow, team: Team) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #take(row: AuditRow): void {
    this.#team = foldTeam(this.#team, row.event);
    this.#last = row;
  }
}

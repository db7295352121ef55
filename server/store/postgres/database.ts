import { setTimeout as pause } from 'node:timers/promises';
import { nanoid } from 'nanoid';
import pg from 'pg';
import { databaseAddress, helpAgainst } from './address';
import { Objects } from './objects';
import { prepare } from './tables';

/** Another node has the lease: this one may not write any more. */
export class LeaseLostError extends Error {
  constructor() {
    super('another node leads now: this one may not write any more');
    this.name = 'LeaseLostError';
  }
}

export interface DatabaseOptions {
  /** DATABASE_URL */
  url: string;
  /** BLOB_URL: where the bytes of new blobs go; null: into PostgreSQL. */
  blobUrl?: string | null;
  /** Only a database that a server has used will do; if omitted, tables are made where there are none. */
  used?: boolean;
  /** Called when PostgreSQL, or the store of BLOB_URL, stops answering (with the reason), and when it answers again (null). */
  onTrouble(reason: string | null, who: string): void;
  /** Called when a write found that another node leads. */
  onLost?(): void;
}

const retryMs = 200;
/** A statement without an answer for this long is sent again: its connection may be dead without either side knowing. */
const answerWithinMs = 30_000;
/** Sequence numbers and sizes are below 2^53. */
const types = {
  getTypeParser: ((id: number, format?: 'text' | 'binary') =>
    id === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(id, format as 'text')) as typeof pg.types.getTypeParser,
};

/** The limit is one of connecting only: in the pool it would also end the wait for a free connection. */
class Client extends pg.Client {
  constructor(options?: pg.ClientConfig) {
    super({ ...options, application_name: 'headroom', keepAlive: true, connectionTimeoutMillis: 2_000, types });
    // An error of an idle connection; the next statement opens another one.
    this.on('error', () => {});
  }
}

/**
 * Connections to PostgreSQL. While it cannot be reached, statements wait and are sent again: a restart of PostgreSQL delays
 * them, and nothing else. So every statement must be one that may take effect twice.
 */
export class Database {
  readonly #pool: pg.Pool;
  #closed = false;
  /** Why PostgreSQL does not answer; null when it does. */
  trouble: string | null = null;
  /** When a statement last failed, by `performance.now`. */
  troubleAt = Number.NEGATIVE_INFINITY;
  /** Number of the lease that this node holds, or held last (-1: none yet); every write checks it. */
  fence = -1;

  private constructor(
    readonly id: string,
    private readonly options: DatabaseOptions,
    /** null: PostgreSQL takes the bytes of new blobs. */
    readonly objects: Objects | null,
  ) {
    this.#pool = new pg.Pool({ connectionString: options.url, max: 8, query_timeout: answerWithinMs, Client });
    this.#pool.on('error', () => {});
  }

  /** @throws Error with a message for people when PostgreSQL cannot be used */
  static async open(options: DatabaseOptions): Promise<Database> {
    const { blobUrl, onTrouble } = options;
    if (!databaseAddress.fits(options.url)) throw new Error(`DATABASE_URL: ${databaseAddress.needed}`);
    let client: Client | null = null;
    try {
      client = new Client({ connectionString: options.url });
      await client.connect();
      const id = await prepare(client, options.used ? null : nanoid());
      const objects = blobUrl ? await Objects.open(blobUrl, (reason) => onTrouble(reason, 'the store of BLOB_URL')) : null;
      const database = new Database(id, options, objects);
      if (!database.objects && (await client.query('SELECT FROM headroom.blobs WHERE object IS NOT NULL LIMIT 1')).rowCount)
        database.blobObjects();
      return database;
    } catch (error) {
      const { message } = error as Error;
      throw /^(DATABASE|BLOB)_URL/.test(message)
        ? error
        : new Error(`DATABASE_URL: PostgreSQL cannot be used (${describe(error)}); ${helpAgainst(error)}`);
    } finally {
      await client?.end().catch(() => {});
    }
  }

  /** @throws Error when BLOB_URL is not set */
  blobObjects(): Objects {
    if (this.objects) return this.objects;
    throw new Error('BLOB_URL: it is needed, as blobs of this database lie in a bucket; set it as on the node that wrote them');
  }

  /** Rows of a statement. */
  async ask<R extends object>(sql: string, values: unknown[] = []): Promise<R[]> {
    return (await this.#send<R>(sql, values)).rows;
  }

  /**
   * A write, in the same statement as the check that this node still leads. `steps` are parts of a WITH clause that use the row
   * `fence`, of which the last is named `done`; $1 is the number of the lease.
   *
   * @returns the rows of `done`, and whether an earlier try may have taken effect already
   * @throws LeaseLostError
   */
  async write<R extends object>(steps: string, values: unknown[]): Promise<{ done: R[]; repeated: boolean }> {
    const sql =
      'WITH fence AS MATERIALIZED (SELECT number FROM headroom.lease WHERE number = $1 FOR KEY SHARE), ' +
      `${steps} SELECT fence.number IS NOT NULL AS held, done.* FROM (SELECT 1) AS one LEFT JOIN fence ON true LEFT JOIN done ON true`;
    const { rows, repeated } = await this.#send<R & { held: boolean; is: number | null }>(sql, [this.fence, ...values]);
    if (!rows[0]?.held) {
      this.options.onLost?.();
      throw new LeaseLostError();
    }
    return { done: rows.filter(({ is }) => is !== null), repeated };
  }

  #asked: Promise<object[]> | null = null;
  /** Resolves once PostgreSQL answers. However many wait for it, one statement asks. */
  answers(): Promise<object[]> {
    this.#asked ??= this.ask('SELECT').finally(() => {
      this.#asked = null;
    });
    return this.#asked;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.objects?.close();
    await this.#pool.end();
  }

  async #send<R extends object>(sql: string, values: unknown[]): Promise<{ rows: R[]; repeated: boolean }> {
    for (let repeated = false; ; repeated = true) {
      try {
        const { rows } = await this.#pool.query<R>(sql, values);
        this.#note(null);
        return { rows, repeated };
      } catch (error) {
        // Our own fault (wrong data, broken rules, wrong SQL) stays one however often it is sent.
        if (/^(22|23|42)/.test((error as { code?: string }).code ?? '') || this.#closed) throw error;
        this.#note(describe(error));
      }
      await pause(retryMs);
    }
  }

  #note(trouble: string | null): void {
    if ((trouble === null) !== (this.trouble === null)) this.options.onTrouble(trouble, 'PostgreSQL');
    this.trouble = trouble;
    if (trouble !== null) this.troubleAt = performance.now();
  }
}

/** Errors of several addresses come as one without a message. */
export function describe(error: unknown): string {
  const { message, errors } = error as AggregateError;
  return message || errors?.map((e: Error) => e.message).join(', ') || String(error);
}

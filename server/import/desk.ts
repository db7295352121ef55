import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { customAlphabet } from 'nanoid';
import { RequestError } from '~/server/base/jobRequest';
import type { Job } from '~/server/base/jobs';
import { Turns } from '~/server/base/turns';
import type { Actor } from '~/shared/ids';
import { ImportError } from './importError';
import type { GivenFile } from './sources';

/** Most bytes of the files of one import. */
const MAX_BYTES = 8 * 2 ** 30;
const MAX_FILES = 100_000;
const MAX_OPEN = 50;
/** An import for which nothing was done for this long is discarded. */
const KEPT_MS = 3_600_000;

const newId = customAlphabet('0123456789abcdefghijklmnopqrstuvwxyz', 16);
const folderOf = (dataFolder: string): string => path.join(dataFolder, 'imports');

/** Deletes files of imports that a stop or a crash cut short. */
export const forgetUploads = (dataFolder: string): Promise<void> => rm(folderOf(dataFolder), { recursive: true, force: true });

/** Files that were sent and not yet imported. */
export interface OpenImport {
  readonly id: string;
  readonly actorId: string;
  readonly folder: string;
  /** Folder in which a reader keeps data that does not fit into memory. */
  readonly spoolFolder: string;
  readonly files: GivenFile[];
  bytes: number;
  touchedAt: number;
  /** Uploads and jobs in progress: such an import is not discarded, however long they take. */
  uses: number;
  /** Its newest job. */
  job?: Job;
}

/** Imports between their first file and their end. They are read one after the other: each may take much memory and time. */
export class ImportDesk {
  readonly #open = new Map<string, OpenImport>();
  readonly #turns = new Turns('imports', 1);

  constructor(
    private readonly dataFolder: string,
    private readonly now: () => number,
  ) {}

  async open(actor: Actor): Promise<OpenImport> {
    for (const old of this.#open.values()) if (old.uses === 0 && this.now() - old.touchedAt > KEPT_MS) await this.close(old);
    if (this.#open.size >= MAX_OPEN)
      throw new RequestError(409, `${MAX_OPEN} imports are open at this moment; wait until one has ended`);
    const id = newId();
    const folder = path.join(folderOf(this.dataFolder), id);
    const spoolFolder = path.join(folder, 'spool');
    await mkdir(spoolFolder, { recursive: true });
    const touchedAt = this.now();
    const opened: OpenImport = { id, actorId: actor.id, folder, spoolFolder, files: [], bytes: 0, touchedAt, uses: 0 };
    this.#open.set(id, opened);
    return opened;
  }

  /** @throws RequestError when there is no import with this id that this person may see */
  get(actor: Actor, id: string): OpenImport {
    const found = this.#open.get(id);
    if (!found || (found.actorId !== actor.id && actor.role !== 'admin'))
      throw new RequestError(
        404,
        `there is no open import ${id.slice(0, 40)}: it ended, or an hour went by; send the files again`,
      );
    return found;
  }

  /** Keeps the import while `work` goes on. */
  async during<T>(open: OpenImport, work: () => Promise<T>): Promise<T> {
    open.uses++;
    try {
      return await work();
    } finally {
      open.uses--;
      open.touchedAt = this.now();
    }
  }

  /** Receives a file. @throws ImportError when it is too large */
  async receive(
    { folder, files, ...open }: OpenImport,
    name: string,
    request: Readable,
    announced: number,
    job: Pick<Job, 'progress' | 'signal'>,
  ): Promise<void> {
    const opened = this.#open.get(open.id)!;
    if (opened.bytes + announced > MAX_BYTES)
      throw new ImportError(`the files have ${opened.bytes + announced} bytes, at most ${MAX_BYTES} are taken`);
    if (files.length === MAX_FILES) throw new ImportError(`more than the ${MAX_FILES} files that one import takes`);
    const file = path.join(folder, randomBytes(12).toString('hex'));
    let bytes = 0;
    const limited = async function* () {
      // An upload that fails here is still answered: the request is not destroyed with it.
      for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        bytes += part.length;
        opened.bytes += part.length;
        if (opened.bytes > MAX_BYTES) throw new ImportError(`the files have more than the ${MAX_BYTES} bytes that are taken`);
        job.progress({ doing: 'sending the file', done: bytes, total: announced, unit: 'bytes' });
        yield part;
      }
    };
    try {
      await pipeline(limited, createWriteStream(file, { flags: 'wx' }), { signal: job.signal });
    } catch (error) {
      opened.bytes -= bytes;
      await rm(file, { force: true });
      throw error;
    }
    files.push({ path: file, name });
  }

  async close({ id, folder }: OpenImport): Promise<void> {
    this.#open.delete(id);
    await rm(folder, { recursive: true, force: true });
  }

  /** Does `work` when all earlier work has ended. */
  inTurn<T>(job: Pick<Job, 'progress' | 'signal'>, work: () => Promise<T>): Promise<T> {
    return this.#turns.during(job, work);
  }
}

import { blobsNamed } from '~/server/base/blobsNamed';
import { type ListChange, staysInForce } from '~/shared/lists';

/** The lists whose items have files. */
export const filedKinds = ['snapshots', 'checkpoints', 'media'] as const;
type FiledKind = (typeof filedKinds)[number];
const words: Record<FiledKind, string> = { snapshots: 'snapshot', checkpoints: 'checkpoint', media: 'sample' };

/** An item in force of a run, and a file of it. */
export interface Filed {
  runId: string;
  kind: FiledKind;
  seq: number;
  step: number;
  hash: string;
}

/** Setting: hashes of files that were missing already in the file that their run was imported from, as JSON. */
export const missingKey = 'imports.missing';
/** Setting: runs that are being imported, whose files come after their log; after a crash, the next start deletes what is left of them. */
export const pendingKey = 'imports.pending';
/** The value of one of these settings. */
export const listed = (setting: string | null): Set<string> => new Set(JSON.parse(setting ?? '[]') as string[]);

/** Most lost files that are named one by one. */
const NAMED = 20;

/** A line for each file that is gone although nothing has deleted it. */
export function lostLines(lost: readonly Filed[]): string[] {
  const lines = lost
    .slice(0, NAMED)
    .map(({ runId, kind, step, hash }) => `run ${runId}: the ${words[kind]} of step ${step}: its blob ${hash} is not there`);
  const more = lost.length - NAMED;
  return more > 0 ? [...lines, `${more} more blobs of snapshots, checkpoints and samples are not there`] : lines;
}

/** The items with files that are in force in one log, by the changes that its entries make to the lists. */
export class FiledItems {
  readonly #items = new Map<number, { kind: FiledKind; seq: number; step: number; hashes: string[] }>();

  apply(changes: readonly ListChange[] = []): void {
    for (const change of changes)
      if (change.op === 'put' && filedKinds.some((kind) => kind === change.kind)) {
        const item = change.item as { seq: number; step: number };
        const hashes = blobsNamed(item as unknown as Parameters<typeof blobsNamed>[0]);
        if (hashes.length > 0) this.#items.set(item.seq, { ...item, kind: change.kind as FiledKind, hashes });
      } else if (change.op === 'drop' && 'seqs' in change) for (const seq of change.seqs) this.#items.delete(seq);
      else if (change.op === 'supersede')
        for (const item of this.#items.values()) if (!staysInForce(item.kind, item, change)) this.#items.delete(item.seq);
  }

  *files(runId: string): Generator<Filed> {
    for (const { kind, seq, step, hashes } of this.#items.values())
      for (const hash of hashes) yield { runId, kind, seq, step, hash };
  }
}

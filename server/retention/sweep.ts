import type { Clock } from '~/server/base/clock';
import type { Store } from '~/server/store';
import type { BlobStore } from '~/server/store/blobs';

const DAY_MS = 24 * 3_600_000;

/** Blobs that no log has named for this long are deleted, and so are runs that have been in the trash for this long. */
export const ORPHAN_MS = 3 * DAY_MS;
export const TRASH_MS = 30 * DAY_MS;
/** Between two sweeps; the first comes soon after the start. */
const EVERY_MS = 3_600_000;
const FIRST_MS = 60_000;
/** No blob is deleted sooner after a start: earlier uploads are unknown, and trainers still send events that name them. */
const SETTLE_MS = EVERY_MS;

/** { hash: when it was first seen without a name, ms since 1970 } */
const orphansKey = 'blobs.orphans';

export interface SweepDeps {
  store: Pick<Store, 'blobUsers' | 'unnamedSmallBlobs' | 'setting' | 'setSetting' | 'entries'>;
  blobs: Pick<BlobStore, 'files' | 'remove' | 'onPut'>;
  hub: {
    summaries(): { runId: string; trashed: boolean }[];
    /** Permanently deletes a run in the trash. */
    remove(runId: string): Promise<boolean>;
  };
  clock: Clock;
  /** Reports what was deleted. */
  say(message: string, details: { runs: string[]; blobs: number; bytes: number }): void;
  onError(error: unknown): void;
}

export interface Sweep {
  /** One sweep now. @returns what it deleted */
  sweep(): Promise<{ runs: string[]; blobs: number; bytes: number }>;
  close(): Promise<void>;
}

/**
 * Deletes what is no longer needed: uploads and imports that a crash cut short, and what deleted runs leave.
 *
 * A blob is deleted when no log of any run, archived and deleted ones included, has named it at any sweep for ORPHAN_MS; putting
 * it again restarts this time, so that a blob whose entry is still to come is never touched. A run is deleted TRASH_MS after it
 * was put in the trash.
 */
export function openSweep({ store, blobs, hub, clock, say, onError }: SweepDeps): Sweep {
  const openedAt = clock.now();
  let closed = false;
  let running: Promise<unknown> = Promise.resolve();
  let cancel = () => {};
  /** Blobs put since the current sweep began. */
  const put = new Set<string>();
  const stop = blobs.onPut((hash) => put.add(hash));

  async function takeRuns(): Promise<string[]> {
    const gone: string[] = [];
    for (const { runId, trashed } of hub.summaries()) {
      if (!trashed) continue;
      const labels = await store.entries({ runId, fromSeq: 1, limit: 1_000_000, types: ['run.labelled'] });
      const at = labels.findLast(({ event }) => event.type === 'run.labelled' && event.trashed === true)?.at;
      if (at !== undefined && clock.now() - at >= TRASH_MS && (await hub.remove(runId))) gone.push(runId);
    }
    return gone;
  }

  async function takeBlobs(): Promise<{ blobs: number; bytes: number }> {
    const known = new Map(Object.entries(JSON.parse((await store.setting(orphansKey)) ?? '{}') as Record<string, number>));
    for (const hash of put) known.delete(hash);
    put.clear();
    const now = clock.now();
    const settled = now - openedAt >= SETTLE_MS;
    const orphans = new Map<string, number>();
    const taken = { blobs: 0, bytes: 0 };
    const look = async ({ hash, bytes }: { hash: string; bytes: number }) => {
      const since = known.get(hash) ?? now;
      // Checked last, so that between check and deletion only an entry can arrive that names a blob nobody has put for days.
      if (!settled || now - since < ORPHAN_MS || put.has(hash) || (await store.blobUsers(hash)).length > 0) {
        orphans.set(hash, since);
        return;
      }
      await blobs.remove(hash);
      taken.blobs++;
      taken.bytes += bytes;
    };
    for await (const blob of blobs.files()) {
      if (closed) break;
      if ((await store.blobUsers(blob.hash)).length === 0) await look(blob);
    }
    for (const blob of await store.unnamedSmallBlobs()) if (!closed) await look(blob);
    for (const hash of put) orphans.delete(hash);
    await store.setSetting(orphansKey, JSON.stringify(Object.fromEntries(orphans)));
    return taken;
  }

  async function sweepOnce() {
    const runs = await takeRuns();
    const taken = { runs, ...(await takeBlobs()) };
    if (runs.length > 0) say(`${runs.length} runs that were deleted ${TRASH_MS / DAY_MS} days ago are gone for good`, taken);
    if (taken.blobs > 0)
      say(
        `${taken.blobs} blobs (${taken.bytes} bytes) that no run has named for ${ORPHAN_MS / DAY_MS} days were taken away`,
        taken,
      );
    return taken;
  }

  const sweep = () => {
    const next = running.then(sweepOnce);
    running = next.catch(() => {});
    return next;
  };
  const later = (ms: number) => {
    cancel = clock.after(ms, () => {
      sweep()
        .catch(onError)
        .finally(() => {
          if (!closed) later(EVERY_MS);
        });
    });
  };
  later(FIRST_MS);

  return {
    sweep,
    async close() {
      closed = true;
      cancel();
      stop();
      await running;
    },
  };
}

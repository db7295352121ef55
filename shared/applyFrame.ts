import { foldWithChanges } from './fold';
import type { ListChange } from './lists';
import { seqCount } from './rows';
import type { RunView } from './view';
import type { Frame } from './viewerProtocol';

export type Applied =
  /** `entries` are those of the frame that were new; `changes` are their effects on the lists. */
  | { kind: 'applied'; view: RunView; entries: Frame['entries']; changes: ListChange[] }
  /** The frame contains nothing new. */
  | { kind: 'duplicate' }
  /** The frame does not continue the view: watch again from the view's seq. */
  | { kind: 'gap' };

/** Folds a frame into a view. If the server left out entries of rows, `caughtUp` replaces `step` and `streams`. */
export function applyFrame(view: RunView, frame: Frame): Applied {
  if (frame.to <= view.seq) return { kind: 'duplicate' };
  if (frame.from > view.seq + 1) return { kind: 'gap' };
  const entries = frame.entries.filter((e) => e.seq + seqCount(e.event) - 1 > view.seq);
  let next = view;
  const changes: ListChange[] = [];
  for (const entry of entries) {
    if (entry.seq <= next.seq) return { kind: 'gap' };
    if (entry.seq !== next.seq + 1) {
      if (!frame.skippedSteps) return { kind: 'gap' };
      next = { ...next, seq: entry.seq - 1 };
    }
    const folded = foldWithChanges(next, entry);
    next = folded.view;
    changes.push(...folded.changes);
  }
  if (frame.caughtUp) next = { ...next, ...frame.caughtUp, seq: frame.to };
  return next.seq === frame.to ? { kind: 'applied', view: next, entries, changes } : { kind: 'gap' };
}

import { useState } from 'react';
import { Select } from '~/app/_components/Field';
import { useList } from '~/app/_live/lists';
import { useView } from '~/app/_live/useRun';
import { isOpened } from '~/shared/view';
import { CheckpointActions } from './CheckpointActions';
import { checkpointOption } from './steering';

/** Continues an ended run from one of its checkpoints, in the same run or in a branch. */
export function GoOn() {
  const checkpoints = useList('checkpoints', 500);
  const end = useView((v) => v.step, 0);
  const [hash, setHash] = useState<string | null>(null);
  // The checkpoint of the last step is the last choice: from there a run needs a new length to continue.
  const chosen = checkpoints.find((c) => c.blob.hash === hash) ?? checkpoints.findLast((c) => c.step < end) ?? checkpoints.at(-1);
  const opened = useView(isOpened, false);
  if (opened) return null;
  if (!chosen) return <p className="border-b border-line px-3 py-2 text-dim">The run left no checkpoint to go on from.</p>;
  return (
    <div className="flex flex-wrap items-center gap-1.5 border-b border-line p-2">
      <label className="flex w-full items-center gap-1.5 text-xs text-dim">
        From
        <Select
          className="font-sans"
          aria-label="Checkpoint to go on from"
          options={checkpoints.toReversed().map(checkpointOption)}
          value={chosen.blob.hash}
          onPick={setHash}
        />
      </label>
      <span className="flex gap-1">
        <CheckpointActions key={chosen.blob.hash} step={chosen.step} hash={chosen.blob.hash} look="plain" />
      </span>
    </div>
  );
}

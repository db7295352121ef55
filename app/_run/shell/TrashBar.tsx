import { useView } from '~/app/_live/useRun';

/** Says that the run is to be deleted for good. */
export function TrashBar() {
  const trashed = useView((v) => v.trashed, false);
  return (
    trashed && (
      <p role="status" className="border-b border-warn/50 bg-warn/10 px-4 py-1 text-center text-warn">
        This run is in the trash, and will be deleted for good. An admin can take it out: list of runs, Trash.
      </p>
    )
  );
}

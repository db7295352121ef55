import { useRun } from '~/app/_live/useRun';

/** Says that the run is to be deleted for good; no more once it is. */
export function TrashBar() {
  const trashed = useRun((r) => r.link !== 'refused' && r.view?.trashed === true);
  return (
    trashed && (
      <p role="status" className="border-b border-warn/50 bg-warn/10 px-4 py-1 text-center text-warn">
        This run is in the trash, and will be deleted for good. An admin can take it out: list of runs, Trash.
      </p>
    )
  );
}

import { connection } from '~/app/_live/connection';
import { useSelected } from '~/app/_live/select';

/** Says that the server is there and cannot work: steps that are trained meanwhile do not come. */
export function ProblemBar() {
  const why = useSelected(connection, (state) => state.problem);
  if (why === null) return null;
  return (
    <p role="alert" className="border-b border-warn/50 bg-warn/10 px-4 py-1 text-center wrap-anywhere text-warn">
      The server has a problem ({why}): what you see may stand still until it is solved.
    </p>
  );
}

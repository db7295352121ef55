import { useSelected } from '~/app/_live/select';
import { serverProblem } from '~/app/_live/serverProblem';

/** Says that the server is there and cannot work: steps that are trained meanwhile do not come. */
export function ProblemBar() {
  const why = useSelected(serverProblem, (state) => state.why);
  if (why === null) return null;
  return (
    <p role="alert" className="border-b border-warn/50 bg-warn/10 px-4 py-1 text-center wrap-anywhere text-warn">
      The server has a problem ({why}): what you see may stand still until it is solved.
    </p>
  );
}

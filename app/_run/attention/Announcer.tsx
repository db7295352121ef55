import { count } from '~/app/_components/format';
import { Said } from '~/app/_components/Said';
import { useWorkspace } from './workspaceContext';

/** Tells a screen reader the current step and selection of the workspace. */
export function Announcer() {
  const { scene } = useWorkspace();
  const { snapshot, recorded, source, wrong } = scene;
  const answers =
    source.kind === 'example' && snapshot.targets && snapshot.predictions
      ? `${snapshot.answers - wrong[source.example]!} of ${snapshot.answers} answers right`
      : scene.sourceWords;
  return <Said words={`attention at step ${count(recorded.step)}, ${answers}`} />;
}

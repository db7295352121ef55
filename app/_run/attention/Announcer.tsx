import { useEffect, useRef, useState } from 'react';
import { count } from '~/app/_components/format';
import { useWorkspace } from './workspaceContext';

const quietMs = 5_000;

/** Tells a screen reader the current step and selection of the workspace, at most every five seconds. */
export function Announcer() {
  const [said, setSaid] = useState('');
  const last = useRef(0);
  const { scene } = useWorkspace();
  const { snapshot, recorded, source, wrong } = scene;
  const answers =
    source.kind === 'example' && snapshot.targets && snapshot.predictions
      ? `${snapshot.answers - wrong[source.example]!} of ${snapshot.answers} answers right`
      : scene.sourceWords;
  const words = `attention at step ${count(recorded.step)}, ${answers}`;
  useEffect(() => {
    const wait = Math.max(0, last.current + quietMs - Date.now());
    const timer = setTimeout(() => {
      last.current = Date.now();
      setSaid(words);
    }, wait);
    return () => clearTimeout(timer);
  }, [words]);
  return (
    <p aria-live="polite" className="sr-only">
      {said}
    </p>
  );
}

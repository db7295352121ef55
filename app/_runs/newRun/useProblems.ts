import { useEffect, useRef, useState } from 'react';
import type { RunSetupInput } from '~/shared/setup';
import type { Problem } from './problems';

/** Typing rests this long before the server is asked. */
const restMs = 250;

/** What the server says of a setup while it is typed: the answer to the newest question it has answered. */
export function useProblems(setup: RunSetupInput | null, ask: (setup: RunSetupInput) => Promise<Problem[]>): readonly Problem[] {
  const [problems, setProblems] = useState<readonly Problem[]>([]);
  const text = setup && JSON.stringify(setup);
  const latest = useRef({ setup, ask });
  latest.current = { setup, ask };
  const asked = useRef(0);
  useEffect(() => {
    if (text === null) return;
    const number = ++asked.current;
    const timer = setTimeout(() => {
      const { setup: now, ask: askNow } = latest.current;
      if (!now) return;
      askNow(now).then(
        (answer) => number === asked.current && setProblems(answer),
        // Not being able to ask is no problem of the setup; starting it will say.
        () => {},
      );
    }, restMs);
    return () => clearTimeout(timer);
  }, [text]);
  return problems;
}

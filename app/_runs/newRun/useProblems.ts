import { useEffect, useRef, useState } from 'react';
import type { RunSetupInput } from '~/shared/setup';
import type { Problem } from './problems';

/** Typing rests this long before the server is asked. */
const restMs = 250;

export interface Answered {
  /** The setup that the answer is about, as text; '' = none yet. */
  about: string;
  problems: readonly Problem[];
}

/** What the server says of a setup while it is typed: its newest answer, which is about an earlier setup until the next one comes. */
export function useProblems(setup: RunSetupInput | null, ask: (setup: RunSetupInput) => Promise<Problem[]>): Answered {
  const [answered, setAnswered] = useState<Answered>({ about: '', problems: [] });
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
        (problems) => number === asked.current && setAnswered({ about: text, problems }),
        // Not being able to ask is no problem of the setup; starting it will say.
        () => {},
      );
    }, restMs);
    return () => clearTimeout(timer);
  }, [text]);
  return answered;
}

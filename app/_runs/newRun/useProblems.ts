import { useEffect, useRef, useState } from 'react';
import type { RunSetupInput } from '~/shared/setup';
import type { Problem } from './problems';

/** Typing rests this long before the server is asked. */
const restMs = 250;
/** Runs of a sweep that are judged while somebody types; each is judged again when it is started. */
const mostJudged = 24;

export interface Answered {
  /** The setups that the answer is about, as text; '' = none yet. */
  about: string;
  problems: readonly Problem[];
}

/** What the server says of setups while they are typed: its newest answer, which is about earlier ones until the next one comes. */
export function useProblems(
  setups: readonly RunSetupInput[] | null,
  ask: (setup: RunSetupInput) => Promise<Problem[]>,
): Answered {
  const [answered, setAnswered] = useState<Answered>({ about: '', problems: [] });
  const text = setups && JSON.stringify(setups);
  const latest = useRef({ setups, ask });
  latest.current = { setups, ask };
  const asked = useRef(0);
  useEffect(() => {
    if (text === null) return;
    const number = ++asked.current;
    const timer = setTimeout(() => {
      const { setups: now, ask: askNow } = latest.current;
      if (!now) return;
      Promise.all(now.slice(0, mostJudged).map(askNow)).then(
        (answers) => number === asked.current && setAnswered({ about: text, problems: distinct(answers.flat()) }),
        // Not being able to ask is no problem of the setups; starting them will say.
        () => {},
      );
    }, restMs);
    return () => clearTimeout(timer);
  }, [text]);
  return answered;
}

/** Runs of a sweep share most of what is wrong with them. */
const distinct = (problems: readonly Problem[]): Problem[] => [
  ...new Map(problems.map((p) => [`${p.field}\n${p.message}`, p])).values(),
];

import { useEffect, useRef, useState } from 'react';
import type { RunSetupInput } from '~/shared/setup';
import type { Problem } from './problems';

/** Delay between the last key press and the request to the server. */
const restMs = 250;
/** Runs of a sweep that are checked during typing; every run is checked again when it is started. */
const mostJudged = 24;

export interface Answered {
  /** The setups that the answer belongs to, as text; '' = none yet. */
  about: string;
  problems: readonly Problem[];
}

/** The server's latest answer about the setups being typed; it belongs to earlier values until the next answer arrives. */
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
        // A failed request is not a problem of the setups; starting them will report it.
        () => {},
      );
    }, restMs);
    return () => clearTimeout(timer);
  }, [text]);
  return answered;
}

/** An answer, with the problems that another answer about the same setups names. */
export const withProblems = (answered: Answered, other: Answered): Answered =>
  other.about === answered.about ? { ...answered, problems: distinct([...answered.problems, ...other.problems]) } : answered;

/** Runs of a sweep usually share their problems: each is listed once. */
const distinct = (problems: readonly Problem[]): Problem[] => [
  ...new Map(problems.map((p) => [`${p.field}\n${p.message}`, p])).values(),
];

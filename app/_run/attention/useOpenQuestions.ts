import { useEffect, useState } from 'react';
import { api } from '~/app/_trpc/client';
import type { QuestionSummary } from '~/shared/protocol';

const everyMs = 500;
const none: readonly QuestionSummary[] = [];

/** Open questions about checkpoints of all runs, with their progress; polled while `active`. The answers arrive in the run's log. */
export function useOpenQuestions(active: boolean): readonly QuestionSummary[] {
  const [questions, setQuestions] = useState(none);
  useEffect(() => {
    if (!active) return setQuestions(none);
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async () => {
      // While the server does not answer, the last list stays.
      const now = await api.runs.openQuestions.query().catch(() => null);
      if (over) return;
      if (now) setQuestions(now);
      timer = setTimeout(() => void look(), everyMs);
    };
    void look();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [active]);
  return questions;
}

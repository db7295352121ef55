import { useEffect, useState } from 'react';
import { api } from '~/app/_trpc/client';
import type { QuestionSummary } from '~/shared/protocol';

const everyMs = 500;
const none: readonly QuestionSummary[] = [];

/** Questions about checkpoints, of all runs, and how far they are; asked for as long as `active`. That one is answered comes with its run's log. */
export function useOpenQuestions(active: boolean): readonly QuestionSummary[] {
  const [questions, setQuestions] = useState(none);
  useEffect(() => {
    if (!active) return setQuestions(none);
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async () => {
      // Away for a moment: what was seen last stands.
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

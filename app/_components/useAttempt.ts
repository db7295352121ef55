import { useState } from 'react';

/** Runs work that may fail, and keeps why the last one did; null = it succeeded, or is under way. */
export function useAttempt(): { problem: string | null; attempt(work: () => unknown): Promise<void> } {
  const [problem, setProblem] = useState<string | null>(null);
  return {
    problem,
    async attempt(work) {
      setProblem(null);
      try {
        await work();
      } catch (error) {
        setProblem(error instanceof Error ? error.message : String(error));
      }
    },
  };
}

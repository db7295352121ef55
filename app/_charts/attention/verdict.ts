/** Whether an answer is right, in words and colors. */

import { rightAt } from '~/shared/aboutSnapshot';
import type { AttentionSnapshot } from '~/shared/attentionSnapshot';

export type Verdict = 'right' | 'wrong' | 'not judged';

export const verdictOf = (right: boolean | null | undefined): Verdict =>
  right === null || right === undefined ? 'not judged' : right ? 'right' : 'wrong';

export const textClass: Record<Verdict, string> = { right: 'text-good', wrong: 'text-bad', 'not judged': 'text-dim' };

/** Whether each answer of an example is right (null = not judged), how many are, and of how many. */
export function judge(snapshot: AttentionSnapshot, example: number) {
  const answers = Array.from({ length: snapshot.answers }, (_, t) => rightAt(snapshot, example, t));
  return {
    answers,
    right: answers.filter((a) => a === true).length,
    judged: answers.filter((a) => a !== null).length,
  };
}

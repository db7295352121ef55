import { useEffect } from 'react';
import type { QuestionSummary } from '~/shared/viewerProtocol';
import { openQuestions } from './questions';
import { useSelected } from './select';
import { viewerWire } from './socket';

/** The open questions of all runs while mounted. */
export function useOpenQuestions(): readonly QuestionSummary[] {
  useEffect(() => viewerWire().watchQuestions(), []);
  return useSelected(openQuestions, (state) => state.list);
}

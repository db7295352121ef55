import type { QuestionSummary } from '~/shared/viewerProtocol';
import { createStore } from './store';

/** The open questions of all runs, as the server sent them last; kept up to date while some part of the page watches them. */
export const openQuestions = createStore<{ list: readonly QuestionSummary[] }>({ list: [] });

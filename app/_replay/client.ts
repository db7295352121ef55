/** In a replay's bundle, in place of _trpc/client.tsx: the few questions that the file itself can answer. */
import { replayRange } from '~/shared/replayFile';
import { recording } from './recording';

type Question = Parameters<typeof replayRange>[1];
const noServer = () => Promise.reject(new Error('this is a replay: there is no server to ask'));
const silent = new Proxy({}, { get: () => ({ query: noServer, mutate: noServer }) }) as Record<string, object>;

export const api = new Proxy({} as Record<string, object>, {
  get: (_, name) =>
    name !== 'runs'
      ? silent
      : {
          ...silent,
          range: { query: async (question: Question) => replayRange(recording().rows, question) },
          signals: { query: async () => recording().signals },
          view: { query: async () => recording().view },
          list: { query: async () => [] },
          recipes: { query: async () => [] },
        },
});

export const describeError = (error: unknown): { message: string; field: string | null } => ({
  message: error instanceof Error ? error.message : String(error),
  field: null,
});

/** Of parts of the page that a replay never shows. */
export const useTrpc = (): never => {
  throw new Error('this is a replay: there is no server to ask');
};

/** Replaces _trpc/client.tsx in the bundle of a replay: answers the few queries that the file itself can answer. */
import { type ConsoleQuery, choose, samplesAt } from '~/shared/media';
import { replayRange } from '~/shared/replayFile';
import { recording } from './recording';

interface SeriesQuestion {
  search: string | null;
  skip: number;
  limit: number;
}

/** The series in the file whose names contain a word, in the form of the server's answer. */
function seriesOf({ search, skip, limit }: SeriesQuestion) {
  const word = search?.toLowerCase() ?? '';
  const fitting = recording().rows.series.filter(({ name }) => name.toLowerCase().includes(word));
  return {
    series: fitting.slice(skip, skip + limit).map(({ name, stream }) => ({ name, stream, index: 0, latest: null })),
    total: fitting.length,
  };
}

/** The sample at a seq of the log, with all of its text. */
function sampleOf(seq: number) {
  const item = recording().view.recent.media.items.find((m) => m.seq === seq);
  return item && { ...item, text: recording().texts.get(seq) ?? item.text };
}

type ConsoleQuestion = Pick<ConsoleQuery, 'search' | 'limit'> & Partial<ConsoleQuery>;
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
          series: { query: async (question: SeriesQuestion) => seriesOf(question) },
          signals: { query: async () => recording().signals },
          table: { query: async () => ({ page: [], runs: 0, problems: [] }) },
          recipes: { query: async () => recording().recipes },
          samples: { query: async ({ step }: { step: number | null }) => samplesAt(recording().view.recent.media.items, step) },
          sample: { query: async ({ seq }: { seq: number }) => sampleOf(seq) },
          console: {
            query: async (question: ConsoleQuestion) =>
              choose(recording().console, { runId: recording().view.runId, before: null, after: null, ...question }),
          },
        },
});

export const describeError = (error: unknown): { message: string; field: string | null } => ({
  message: error instanceof Error ? error.message : String(error),
  field: null,
});

/** Used by parts of the page that a replay never shows. */
export const useTrpc = (): never => {
  throw new Error('this is a replay: there is no server to ask');
};

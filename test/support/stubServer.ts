/** A server for component tests: what it answers is written by the test. It imports no client, which takes its links from here. */
import { TRPCClientError, type TRPCLink } from '@trpc/client';
import { observable } from '@trpc/server/observable';
import type { AppRouter } from '~/server/trpc';

/** Requests to the server, in order, and what it answers by procedure ("runs.note"); a promise is answered later. */
export const server = {
  asked: [] as { path: string; input: unknown }[],
  answers: new Map<string, (input: never) => unknown>(),
};

/** Answers like a server that finds fields that do not fit. */
export const refuse = (problems: { field: string; message: string }[]): never => {
  throw TRPCClientError.from({
    error: { message: problems[0]!.message, code: -32600, data: { field: problems[0]!.field, problems } },
  } as never);
};

export const links = (): TRPCLink<AppRouter>[] => [
  () =>
    ({ op }) =>
      observable((observer) => {
        server.asked.push({ path: op.path, input: op.input });
        const answer = server.answers.get(op.path);
        if (!answer) {
          observer.error(TRPCClientError.from(new Error(`${op.path}: the test gives no answer`)));
          return;
        }
        const send = (data: unknown) => {
          observer.next({ result: { type: 'data', data } });
          observer.complete();
        };
        try {
          const data = answer(op.input as never);
          if (data instanceof Promise) void data.then(send);
          else send(data);
        } catch (error) {
          observer.error(TRPCClientError.from(error as Error));
        }
      }),
];

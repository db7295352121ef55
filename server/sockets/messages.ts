/** The edge of both links: every inbound message is parsed here; an invalid one is refused with the name of the field. */
import type { Socket } from 'socket.io';
import type { ZodError, ZodType } from 'zod';
import { diskFullWords, isDiskFull } from '~/server/base/diskFull';
import { describeZodError, fieldOf } from '~/server/base/zodError';
import type { Refusal } from '~/shared/commands';
import { refuse } from '~/shared/refusals';

type Answer = (answer: unknown) => void;

export interface Edge {
  /** false: too many requests lately, this message is answered `busy`. `cost`: 1 = a message whose answer has a few bytes. */
  admit(cost: number): boolean;
  onError(error: unknown): void;
}

/** Handles messages from the socket by name; undeclared messages are refused. */
export function listen(
  socket: Socket,
  edge: Edge,
): <T>(name: string, schema: ZodType<T>, handle: (message: T) => unknown, cost?: number) => void {
  const declared = new Set<string>();
  const reply = (args: unknown[], answer: unknown) => {
    const last = args.at(-1);
    if (typeof last === 'function') (last as Answer)(answer);
    else if (isRefusal(answer)) socket.emit('refused', answer);
  };
  socket.onAny((name: string, ...args: unknown[]) => {
    if (!declared.has(name))
      reply(
        args,
        refuse('invalid', `there is no message "${String(name).slice(0, 64)}"; known: ${[...declared].join(', ')}`, 'event'),
      );
  });
  return (name, schema, handle, cost = 1) => {
    declared.add(name);
    socket.on(name, async (...args: unknown[]) => {
      try {
        if (!edge.admit(cost)) return reply(args, refuse('busy', `${name}: too many messages; wait a little`));
        const message = schema.safeParse(typeof args[0] === 'function' ? undefined : args[0]);
        reply(args, message.success ? await handle(message.data) : validationError(message.error));
      } catch (error) {
        edge.onError(error);
        reply(
          args,
          refuse('failed', `${name}: ${isDiskFull(error) ? diskFullWords : 'the server could not do this; try again'}`),
        );
      }
    });
  };
}

/** The refusal of a message that does not match its schema. */
export const validationError = (error: ZodError): Refusal => refuse('invalid', describeZodError(error), fieldOf(error));

const isRefusal = (answer: unknown): answer is Refusal =>
  typeof answer === 'object' && answer !== null && 'ok' in answer && answer.ok === false;

import { nanoid } from 'nanoid';
import { useRef } from 'react';
import { unreached } from '~/app/_live/reach';
import { api } from '~/app/_trpc/client';
import type { CommandAnswer } from '~/shared/commands';
import type { NoteRequest } from '~/shared/notes';
import { useAsk } from './useAsk';

export type Send = (note: NoteRequest) => Promise<boolean>;
type NewNote = Omit<Extract<NoteRequest, { kind: 'add' }>, 'kind' | 'id'>;

/** Sends notes about a run, and reports a refusal. The server takes a note of one id once, however often it is sent. */
export function useSend(
  runId: string,
  shows?: Parameters<typeof useAsk>[0],
): { busy: boolean; problem: string | null; send: Send; add(note: NewNote): Promise<boolean> } {
  const { busy, problem, ask } = useAsk(shows);
  /** The note whose answer is missing: sent again by the person, it keeps its id. */
  const unanswered = useRef<{ about: string; id: string } | null>(null);
  // A proxy may have cut the request.
  const mutate = (note: NoteRequest, tries: number): Promise<CommandAnswer> =>
    api.runs.note.mutate({ runId, note }).catch(async (error) => {
      if (!unreached(error) || note.kind !== 'add' || tries === 1) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
      return mutate(note, tries - 1);
    });
  const send: Send = (note) => ask(() => mutate(note, 3));
  return {
    busy,
    problem,
    send,
    async add(note) {
      const about = JSON.stringify([note.text, note.replyTo]);
      if (unanswered.current?.about !== about) unanswered.current = { about, id: nanoid() };
      const sent = await send({ kind: 'add', id: unanswered.current.id, ...note });
      if (sent) unanswered.current = null;
      return sent;
    },
  };
}

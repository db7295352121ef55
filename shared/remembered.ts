import { z } from 'zod';

/** What the server remembers for each person, as the text that the page wrote. The page alone knows the form of the text. */
export const rememberedKey = z.enum(['views', 'workspace', 'charts', 'dismissed', 'tour', 'keysAct', 'shareLook', 'noticesRead']);
export type RememberedKey = z.infer<typeof rememberedKey>;

export const mostRemembered = 64 * 1024;

export const remembering = z.strictObject({
  key: rememberedKey,
  value: z
    .string()
    .max(
      mostRemembered,
      `at most ${mostRemembered.toLocaleString('en')} characters; remove saved views or charts that nobody needs`,
    ),
});

export interface Remembered {
  /** Id of the person. */
  person: string;
  values: Partial<Record<RememberedKey, string>>;
}

import { z } from 'zod';

/** The sets of examples that a task of the built-in trainer has. (Other trainers have splits of any name.) */
export const split = z.enum(['train', 'validation', 'test']);
export type Split = z.infer<typeof split>;

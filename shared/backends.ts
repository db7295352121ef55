import { z } from 'zod';

/** What the built-in trainer can compute with; the settings of a trainer process name one. */
export const backendName = z.enum(['tensorflow', 'webgpu', 'wasm', 'cpu']);
export type BackendName = z.infer<typeof backendName>;

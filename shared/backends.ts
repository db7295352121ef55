import { z } from 'zod';

/** Backends of the built-in trainer; the settings of a trainer process name one. */
export const backendName = z.enum(['tensorflow', 'webgpu', 'wasm', 'cpu']);
export type BackendName = z.infer<typeof backendName>;

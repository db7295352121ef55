import { type BackendName, backendNames, type OpenedBackend, openBackend } from '~/trainer/backends';

/** Backends that compute here. WebGPU is left to a machine with a GPU: in software it takes minutes. */
export const testedBackends: readonly BackendName[] = ['tensorflow', 'wasm', 'cpu'];

/** The backend made current, or null with a visible reason where `tensorflow` or `webgpu`, which are optional, does not load. */
export async function openForTest(name: BackendName): Promise<OpenedBackend | null> {
  if (!backendNames.includes(name)) throw new Error(`no backend ${name}`);
  try {
    return await openBackend(name);
  } catch (error) {
    if (name === 'wasm' || name === 'cpu') throw error;
    console.warn(`skipped: ${(error as Error).message}`);
    return null;
  }
}

import { existsSync } from 'node:fs';
import { type BackendName, backendNames } from '~/shared/backends';
import { type OpenedBackend, openBackend } from '~/trainer/backends';

/** Backends that every test of the trainer's numbers runs on. `webgpu` has a separate test: on a CPU it takes seconds where these take milliseconds. */
export const testedBackends: readonly BackendName[] = ['tensorflow', 'onnx', 'wasm', 'cpu'];

/** A Vulkan driver for the CPU, part of Debian's Chromium. */
const swiftshader = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** Makes the backend current; null, with a visible reason, where an optional backend (`tensorflow`, `webgpu` or `onnx`) does not load. */
export async function openForTest(name: BackendName): Promise<OpenedBackend | null> {
  if (!backendNames.includes(name)) throw new Error(`no backend ${name}`);
  if (name === 'webgpu' && existsSync(swiftshader)) process.env.VK_DRIVER_FILES ??= swiftshader;
  try {
    return await openBackend(name);
  } catch (error) {
    if (name === 'wasm' || name === 'cpu') throw error;
    console.warn(`skipped: ${(error as Error).message}`);
    return null;
  }
}

import { backend as currentBackend, setBackend } from '@tensorflow/tfjs-core';
import { recordedStep } from '~/trainer/backends/recordedStep';
import { type BackendOptions, BackendUnavailable, type LoadedBackend } from '~/trainer/backends/types';
import { commandLists } from './commandList';
import type { WebgpuBackend } from './device';
import { registerWebgpuKernels } from './kernels';

let registered = false;

/** Any GPU with a Vulkan, Metal or D3D12 driver, through Dawn; no CUDA needed. Read tensors with `await data()`: WebGPU has no sync read. */
export async function loadWebgpu({ log = () => {} }: BackendOptions): Promise<LoadedBackend> {
  const dawn = await import('webgpu').catch((error: Error) => {
    throw new BackendUnavailable(`the optional package "webgpu" does not load (${firstLine(error)}); run npm install webgpu`);
  });
  Object.assign(globalThis, dawn.globals);
  const gpu = dawn.create([]);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) {
    throw new BackendUnavailable(
      'no GPU adapter found; install the Vulkan driver of your GPU (Vulkan 1.3; Mesa from 23 on) and its loader (Debian: libvulkan1). To compute in software, slowly, set VK_DRIVER_FILES to the vk_swiftshader_icd.json that comes with Chromium (Debian: /usr/lib/chromium)',
    );
  }
  // tfjs looks for the API where a browser has it. Node >= 21 has a navigator, Node 20 has none.
  if (!('navigator' in globalThis)) Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true });
  Object.defineProperty(globalThis.navigator, 'gpu', { value: gpu, configurable: true });
  await import('@tensorflow/tfjs-backend-webgpu');
  if (!(await setBackend('webgpu')))
    throw new BackendUnavailable('the GPU device did not start; see the lines tfjs printed above');
  const backend = currentBackend() as unknown as WebgpuBackend;
  if (!registered) registerWebgpuKernels(backend);
  registered = true;
  const { vendor, architecture, device, description } = adapter.info;
  const label = device || description || [vendor, architecture, device].filter(Boolean).join(' ');
  return {
    device: `GPU, ${label || 'unnamed'}`,
    version: '4.22.0',
    threads: null,
    software: isSoftware(label),
    compileStep: (fn) =>
      recordedStep(commandLists(backend), fn, (why) => log(`webgpu runs a step op by op, it cannot be recorded: ${why}`)),
  };
}

function firstLine(error: Error): string {
  return error.message.split('\n')[0] ?? '';
}

/** Names under which Mesa and Google ship Vulkan on the CPU. */
function isSoftware(label: string): boolean {
  return /llvmpipe|lavapipe|swiftshader|software/i.test(label);
}

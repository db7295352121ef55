import { z } from 'zod';

const otherTrainer = 'Take auto, or start a trainer that has it';

/**
 * Backends of the built-in trainer, the best one first: the order in which `auto` tries them. `ready`: `npm install` brings it.
 * `help`: what a person does where it cannot be used.
 */
export const backends = {
  tensorflow: { ready: false, help: 'in a clone, npm run setup:tensorflow builds it' },
  webgpu: { ready: false, help: otherTrainer },
  onnx: { ready: true, help: 'npm install onnxruntime-node@1.17.0 brings it' },
  wasm: { ready: true, help: otherTrainer },
  cpu: { ready: true, help: otherTrainer },
} as const;
export type BackendName = keyof typeof backends;

export const backendNames = Object.keys(backends) as BackendName[];
export const backendName = z.enum(backendNames);

/** tfjs' WebGPU backend, as far as we use it. */
import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';

/** Allocates the buffers of tensors. */
export interface Buffers {
  numBytesUsed: number;
  numBytesAllocated: number;
  acquireBuffer(size: number, usage: number, mappedAtCreation?: boolean, reuse?: boolean): GPUBuffer;
  releaseBuffer(buffer: GPUBuffer, reuse?: boolean): void;
  dispose(): void;
}

/** Values are on the CPU until the first use, then in a buffer. */
export interface TensorData {
  values: Float32Array | Int32Array | Uint8Array | null;
  resource: GPUBuffer | null;
}

export interface WebgpuBackend extends KernelBackend {
  device: GPUDevice;
  queue: Pick<GPUQueue, 'submit' | 'writeBuffer'>;
  bufferManager: Buffers;
  tensorMap: { get(id: object): TensorData };
  commandEncoder: GPUCommandEncoder | null;
  computePassEncoder: GPUComputePassEncoder | null;
  commandQueueOwnedIds: WeakSet<object>;
  uniformPendingDisposal: GPUBuffer[];
  dispatchCountInPass: number;
  makeTensorInfo(shape: number[], dtype: 'float32' | 'int32' | 'bool', values?: ArrayBufferView): TensorInfo;
  disposeData(id: object): boolean;
  uploadToGPU(id: object): void;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

/** Submits the commands encoded so far, so that the next submission runs after them. */
export function flush(backend: WebgpuBackend): void {
  backend.endComputePassEncoder();
  if (backend.commandEncoder) backend.submitQueue();
}

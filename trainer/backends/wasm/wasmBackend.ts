import type { BackendValues, DataType, KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';

/** tfjs' BackendWasm, as far as we use it. */
export interface WasmBackend extends KernelBackend {
  wasm: {
    asm: { memory: WebAssembly.Memory; malloc(bytes: number): number };
    HEAPU8: Uint8Array;
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
  dataIdMap: {
    get(id: object): TensorPlace;
    set(id: object, place: TensorPlace): void;
    has(id: object): boolean;
    delete(id: object): boolean;
  };
  dataIdNextNumber: number;
  makeOutput(shape: number[], dtype: 'float32' | 'int32', memoryOffset?: null, values?: Int32Array): TensorInfo;
  move(dataId: object, values: BackendValues | null, shape: number[], dtype: DataType, refCount: number): void;
  disposeData(dataId: object, force?: boolean): boolean;
}

/** Address of a tfjs tensor in memory, in bytes. */
export interface TensorPlace {
  id: number;
  memoryOffset: number;
  shape: number[];
  dtype: DataType;
  refCount: number;
}

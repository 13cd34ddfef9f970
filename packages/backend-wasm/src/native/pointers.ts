/** Where a tensor's values lie in the memory of tfjs-wasm: a byte offset, which stays valid when the memory grows. */
import type * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';

/** The byte offset of the first element; of an `[]` or empty tensor too, where it may not be read. */
export function pointerTo(backend: BackendWasm, tensor: tf.TensorInfo): number {
  return backend.dataIdMap.get(tensor.dataId).memoryOffset;
}

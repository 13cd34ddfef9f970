/**
 * Access to tensors on the WASM heap: typed views of their values, and tensors that are windows of another tensor's memory.
 * Every allocation may grow the heap and detach the JavaScript views of it, so take them after the last allocation.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { markWindow } from './native/undo.js';

/** The values of a float32 tensor, live on the heap; valid until the next allocation. */
export function floats(backend: BackendWasm, tensor: tf.TensorInfo): Float32Array {
  return backend.typedArrayFromHeap({ ...tensor, dtype: 'float32' }) as Float32Array;
}

/** The values of an int32 tensor, live on the heap; valid until the next allocation. */
export function integers(backend: BackendWasm, tensor: tf.TensorInfo): Int32Array {
  return backend.typedArrayFromHeap({ ...tensor, dtype: 'int32' }) as Int32Array;
}

/** A new float32 tensor with undefined values; the caller owns it. */
export function allocate(backend: BackendWasm, shape: readonly number[]): tf.TensorInfo {
  return backend.makeOutput([...shape], 'float32');
}

/** The same data under another shape of the same size; owns nothing, so it is neither counted nor disposed. */
export function reshaped(tensor: tf.TensorInfo, shape: readonly number[]): tf.TensorInfo {
  return { dataId: tensor.dataId, dtype: tensor.dtype, shape: [...shape] };
}

/** A second owner of the same data: what an op returns when its output is its input. */
export function shared(backend: BackendWasm, tensor: tf.TensorInfo, shape = tensor.shape): tf.TensorInfo {
  backend.incRef(tensor.dataId);
  return reshaped(tensor, shape);
}

/**
 * A float32 tensor over a window of `tensor`'s memory, starting `offset` elements in. It copies nothing and must be given
 * to `releaseWindow` while `tensor` is still alive.
 */
export function openWindow(
  backend: BackendWasm,
  tensor: tf.TensorInfo,
  offset: number,
  shape: readonly number[],
): tf.TensorInfo {
  const address = backend.getMemoryOffset(tensor.dataId) + 4 * offset;
  const window = backend.makeOutput([...shape], 'float32', address);
  markWindow(window.dataId);
  return window;
}

/** Ends a window without freeing the memory, which belongs to the tensor it looks into. */
export function releaseWindow(backend: BackendWasm, window: tf.TensorInfo): void {
  backend.dataIdMap.get(window.dataId).memoryOffset = 0;
  backend.disposeData(window.dataId);
}

/** Gives up one ownership of each tensor. */
export function release(backend: BackendWasm, ...tensors: readonly tf.TensorInfo[]): void {
  for (const tensor of tensors) backend.disposeData(tensor.dataId);
}

/** The number the WASM module knows a tensor by. */
export function idOf(backend: BackendWasm, tensor: tf.TensorInfo): number {
  return backend.dataIdMap.get(tensor.dataId).id;
}

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

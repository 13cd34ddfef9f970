/** AddN of any number of tensors. The stock kernel gives a shader one buffer for each, and fails, seen by no one, beyond the device's number of them. */
import * as tf from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { bufferLimit } from '../compute.js';
import { defineKernel } from '../kernel.js';
import { stockKernels } from '../stock.js';

/** The op gives a list, or a map of numbered names. */
export const addN = defineKernel<Readonly<Record<string, tf.TensorInfo>>>(tf.AddN, ({ inputs, backend }) =>
  sum(backend, Object.values(inputs)),
);

function sum(backend: WebGPUBackend, tensors: readonly tf.TensorInfo[]): tf.TensorInfo {
  // One buffer is the result's.
  const most = bufferLimit(backend) - 1;
  if (tensors.length <= most) return stock(backend, tensors);
  const parts: tf.TensorInfo[] = [];
  for (let i = 0; i < tensors.length; i += most) parts.push(stock(backend, tensors.slice(i, i + most)));
  const total = sum(backend, parts);
  for (const part of parts) backend.disposeData(part.dataId);
  return total;
}

function stock(backend: WebGPUBackend, tensors: readonly tf.TensorInfo[]): tf.TensorInfo {
  return stockKernels.run(tf.AddN, tensors as unknown as Record<string, tf.TensorInfo>, backend);
}

/** What a kernel of this package is: a name in TensorFlow.js's kernel registry and the function that enqueues its work on the GPU. */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type * as tf from '@tensorflow/tfjs-core';

/** One entry of the list that `installTrainingKernels` registers for the backend `webgpu`. */
export interface TrainingKernel {
  readonly kernelName: string;
  readonly kernelFunc: tf.KernelFunc;
}

/** The arguments of a kernel, with the backend's own type. */
export interface KernelCall<Inputs, Attributes> {
  readonly inputs: Inputs;
  readonly attrs: Attributes;
  readonly backend: WebGPUBackend;
}

/**
 * Gives a typed function the registry's untyped signature. The registry's callers guarantee the inputs and attributes of a kernel
 * by its name, so `Inputs` and `Attributes` must be that kernel's.
 */
export function defineKernel<Inputs, Attributes = Record<string, never>>(
  kernelName: string,
  compute: (call: KernelCall<Inputs, Attributes>) => tf.TensorInfo | tf.TensorInfo[],
): TrainingKernel {
  return { kernelName, kernelFunc: (call) => compute(call as unknown as KernelCall<Inputs, Attributes>) };
}

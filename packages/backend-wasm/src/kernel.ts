/** What a kernel of this package is: a name in TensorFlow.js's kernel registry and the function that computes it on the WASM heap. */
import type * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { undoOnFailure } from './native/undo.js';

/** One entry of the list that `installTrainingKernels` registers for the backend `wasm`. */
export interface TrainingKernel {
  readonly kernelName: string;
  readonly kernelFunc: tf.KernelFunc;
}

/** The arguments of a kernel, with the backend's own type. */
export interface KernelCall<Inputs, Attributes> {
  readonly inputs: Inputs;
  readonly attrs: Attributes;
  readonly backend: BackendWasm;
}

/**
 * Gives a typed function the registry's untyped signature. The registry's callers, the ops of tfjs-core, guarantee the
 * inputs and attributes of a kernel by its name, so `Inputs` and `Attributes` must be that kernel's. Inputs that live on
 * another backend are moved to the heap first: moving them allocates, and must not detach a view that `compute` has taken. When
 * `compute` throws, the tensors that it has made are given back.
 */
export function defineKernel<Inputs, Attributes = Record<string, never>>(
  kernelName: string,
  compute: (call: KernelCall<Inputs, Attributes>) => tf.TensorInfo | tf.TensorInfo[],
): TrainingKernel {
  return {
    kernelName,
    kernelFunc: (call) => {
      const { inputs, backend } = call as unknown as KernelCall<tf.NamedTensorInfoMap, Attributes>;
      for (const input of Object.values(inputs)) if (input) backend.dataIdMap.get(input.dataId);
      return undoOnFailure(backend, () => compute(call as unknown as KernelCall<Inputs, Attributes>));
    },
  };
}

/** Runs whichever kernel stands in the registry for the backend `wasm`, ours or the stock one: for kernels that are made of others. */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { ApoError } from '@apo/core';

/**
 * The one tensor that the kernel gives, owned by the caller.
 * @throws ApoError `UNSUPPORTED` when there is no kernel of this name, or when it gives several tensors.
 */
export function runCurrent(
  kernelName: string,
  inputs: Readonly<Record<string, tf.TensorInfo>>,
  backend: BackendWasm,
  attrs: Readonly<Record<string, unknown>> = {},
): tf.TensorInfo {
  const kernel = tf.getKernel(kernelName, 'wasm') as tf.KernelConfig | undefined;
  const output = kernel?.kernelFunc({ inputs, backend, attrs: attrs as tf.NamedAttrMap });
  if (output !== undefined && !Array.isArray(output)) return output;
  throw new ApoError(
    'UNSUPPORTED',
    `The kernel '${kernelName}' of the WASM backend ${output === undefined ? 'is missing' : 'gives several tensors'}; expected one that gives one tensor.`,
  );
}

/** θ as one float64 vector, in the order of the objective's variables, and back: the space in which curvature is solved with. */
import * as tf from '@tensorflow/tfjs-core';
import { ApoError, isApoError } from '@apo/core';
import type { TensorMap } from '@apo/core';

/** The number of parameters of `variables` and the place of each among them. */
export class ParameterSpace {
  /** Number of parameters. */
  readonly size: number;

  constructor(readonly variables: readonly tf.Variable[]) {
    this.size = variables.reduce((total, { size }) => total + size, 0);
  }

  /** A vector `[size]` of the tensors called like the variables (zeros for a missing one). Reads them back. */
  read(tensors: TensorMap): Float64Array {
    const vector = new Float64Array(this.size);
    let offset = 0;
    for (const { name, size } of this.variables) {
      const tensor = tensors[name];
      if (tensor !== undefined) vector.set(readValues(tensor), offset);
      offset += size;
    }
    return vector;
  }

  /** The values of the variables, `[size]`. */
  current(): Float64Array {
    return this.read(Object.fromEntries(this.variables.map((variable) => [variable.name, variable])));
  }

  /** Tensors by variable name from a vector `[size]`, rounded to float32; the caller owns them. */
  write(vector: Float64Array): TensorMap {
    let offset = 0;
    return Object.fromEntries(
      this.variables.map(({ name, shape, size }) => {
        const values = new Float32Array(vector.subarray(offset, offset + size));
        offset += size;
        return [name, tf.tensor(values, shape)];
      }),
    );
  }
}

/** The values of a tensor, now. @throws ApoError `UNSUPPORTED` on an engine that cannot wait for its device, and what the engine throws for a lost one. */
export function readValues(tensor: tf.Tensor): Float32Array | Int32Array | Uint8Array {
  try {
    return tensor.dataSync();
  } catch (cause) {
    if (isApoError(cause) && cause.code !== 'UNSUPPORTED') throw cause;
    throw new ApoError(
      'UNSUPPORTED',
      `The engine "${tf.getBackend()}" cannot read values back synchronously, which this optimizer needs. Where it has prepare, await prepare(batch) before step, or in model.fit give waitForSteps() as a callback; otherwise use cpu, wasm or libtensorflow.`,
      { cause },
    );
  }
}

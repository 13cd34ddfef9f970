/**
 * A kernel of this package's own, which the gradient of batch normalisation calls: Σ dy and Σ dy·(x − μ) for each feature, in one
 * pass over x and dy. It runs only where our module does and the statistics belong to the last axes of x.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { ApoError } from '@apo/core';
import { featureCount, repeat, repetitions } from '../features.js';
import { allocate, floats, sizeOf } from '../heap.js';
import type { KernelCall, TrainingKernel } from '../kernel.js';
import { nativeFunctions } from '../native/module.js';
import { pointerTo } from '../native/pointers.js';
import { scratch } from '../native/scratch.js';
import { BATCH_NORM_SUMS, ownKernelsApply } from './own-kernels.js';

export interface BatchNormSumsInputs {
  readonly dy: tf.TensorInfo;
  readonly x: tf.TensorInfo;
  readonly mean: tf.TensorInfo;
}

/** Whether the kernel can be called with these inputs on the backend in use. */
export function batchNormSumsApply({ dy, x, mean }: BatchNormSumsInputs): boolean {
  return ownKernelsApply(dy, x, mean) && featureCount(x, [mean]) > 0;
}

/** Gives two tensors of the shape of the mean, owned by the caller. */
export const batchNormSums: TrainingKernel = {
  kernelName: BATCH_NORM_SUMS,
  kernelFunc: (call) => {
    const { inputs, backend } = call as unknown as KernelCall<BatchNormSumsInputs, Record<string, never>>;
    const { dy, x, mean } = inputs;
    const native = nativeFunctions(backend);
    const features = featureCount(x, [mean]);
    if (native === undefined || features === 0) {
      throw new ApoError(
        'UNSUPPORTED',
        `${BATCH_NORM_SUMS} needs the WASM module of this package and statistics along the last axes of x; got x ` +
          `[${x.shape.join()}] and a mean [${mean.shape.join()}]. Ask batchNormSumsApply first.`,
      );
    }
    const sums = allocate(backend, mean.shape);
    const products = allocate(backend, mean.shape);
    const size = sizeOf(x.shape);
    const period = features * Math.min(repetitions(features), Math.max(1, size / features));
    const rows = Math.floor(size / period);
    const block = scratch(backend, 'features', 20 * period);
    const from = { dy: pointerTo(backend, dy), x: pointerTo(backend, x) };
    const heap = floats(backend, sums).buffer;
    const statistics = floats(backend, mean);
    repeat(statistics, new Float32Array(heap, block + 16 * period, period));
    native.normalizeGradientSums(from.dy, from.x, block + 16 * period, block, rows, period);
    const folded = new Float64Array(heap, block, 2 * period);
    const [dyValues, xValues] = [floats(backend, dy), floats(backend, x)];
    const [sumValues, productValues] = [floats(backend, sums), floats(backend, products)];
    for (let f = 0; f < features; f++) {
      let sum = 0;
      let product = 0;
      for (let at = f; at < period; at += features) {
        sum += folded[at]!;
        product += folded[period + at]!;
      }
      // What is left when the repetitions do not divide the rows.
      for (let at = rows * period + f; at < size; at += features) {
        sum += dyValues[at]!;
        product += dyValues[at]! * (xValues[at]! - statistics[f]!);
      }
      sumValues[f] = sum;
      productValues[f] = product;
    }
    return [sums, products];
  },
};

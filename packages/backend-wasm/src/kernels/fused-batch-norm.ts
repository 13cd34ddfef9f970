/**
 * FusedBatchNorm, y = (x − μ)·γ(σ² + ε)^−½ + β, where the statistics belong to the last axes of x; the rest by the stock
 * kernel, which takes a square root and an index for every element.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { featureCount, repeat, repetitions } from '../features.js';
import { allocate, floats, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { nativeFunctions } from '../native/module.js';
import { pointerTo } from '../native/pointers.js';
import { scratch } from '../native/scratch.js';
import { stockKernels } from '../stock.js';
import { job, parallelFor, splitRange } from '../threads/parallel.js';

interface Inputs {
  readonly x: tf.TensorInfo;
  readonly mean: tf.TensorInfo;
  readonly variance: tf.TensorInfo;
  readonly offset?: tf.TensorInfo | null;
  readonly scale?: tf.TensorInfo | null;
}

/** Elements that are worth a thread. */
const GRAIN = 60_000;

export const fusedBatchNorm = defineKernel<Inputs, { varianceEpsilon: number }>(
  'FusedBatchNorm',
  ({ inputs, attrs, backend }) => {
    const { x, mean, variance } = inputs;
    const offset = inputs.offset ?? undefined;
    const scale = inputs.scale ?? undefined;
    const given = [mean, variance, offset, scale].filter((tensor) => tensor !== undefined);
    const features = nativeFunctions(backend) === undefined ? 0 : featureCount(x, given);
    if (features === 0)
      return stockKernels.run(
        'FusedBatchNorm',
        { ...inputs } as Record<string, tf.TensorInfo>,
        backend,
        attrs,
      );
    const y = allocate(backend, x.shape);
    const period = features * repetitions(features);
    const block = scratch(backend, 'features', 12 * period);
    const arrays = [0, 1, 2].map(
      (i) => new Float32Array(floats(backend, y).buffer, block + 4 * i * period, period),
    );
    const gain = floats(backend, variance).map((value) => 1 / Math.sqrt(value + attrs.varianceEpsilon));
    if (scale !== undefined) floats(backend, scale).forEach((value, i) => (gain[i]! *= value));
    repeat(floats(backend, mean), arrays[0]!);
    repeat(gain, arrays[1]!);
    repeat(offset === undefined ? new Float32Array(features) : floats(backend, offset), arrays[2]!);
    const from = pointerTo(backend, x);
    const to = pointerTo(backend, y);
    const parts = splitRange(backend, sizeOf(x.shape), { grain: GRAIN, multiple: period });
    parallelFor(
      backend,
      parts.map(({ start, end }) =>
        job(
          'normalize',
          from + 4 * start,
          block,
          block + 4 * period,
          block + 8 * period,
          to + 4 * start,
          end - start,
          period,
        ),
      ),
    );
    return y;
  },
);

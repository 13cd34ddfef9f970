/**
 * ApoBatchNormGradient, a kernel of this package's own: all derivatives of y = (x − μ)·s·γ + β with s = (σ² + ε)^−½ and statistics along the last axis, in two dispatches.
 * The first reads x and dy once, writes ∂/∂x = dy·s·γ and adds up pieces of rows, the second adds the pieces.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { allocate, compute, sizeOf, WORKGROUP } from '../compute.js';
import type { Shader } from '../compute.js';
import { defineKernel } from '../kernel.js';

export const BATCH_NORM_GRADIENT = 'ApoBatchNormGradient';

export interface BatchNormInputs {
  readonly dy: tf.TensorInfo;
  readonly x: tf.TensorInfo;
  readonly mean: tf.TensorInfo;
  readonly variance: tf.TensorInfo;
  readonly scale: tf.TensorInfo;
}

/** Features that lie side by side in a workgroup; the threads of a feature take every so many-th row. */
const MOST_WIDTH = 32;
/** Rows of a piece, at least, and pieces, at most. */
const LEAST_ROWS = 32;
const MOST_PIECES = 256;

const integer = (name: string) => ({ name, type: 'i32' }) as const;

const pieces: Shader = {
  key: `${BATCH_NORM_GRADIENT}_pieces`,
  outputs: ['byX', 'sums'],
  inputs: ['dy', 'x', 'mean', 'variance', 'scale'],
  uniforms: [...['features', 'rows', 'width', 'length'].map(integer), { name: 'epsilon', type: 'f32' }],
  code: () => ({
    declarations: `
var<workgroup> offsets: array<f32, ${WORKGROUP}>;
var<workgroup> correlations: array<f32, ${WORKGROUP}>;`,
    body: `
  let features = u32(uniforms.features);
  let width = u32(uniforms.width);
  let across = (features + width - 1u) / width;
  let piece = tile / across;
  let feature = tile % across * width + local % width;
  let to = min(u32(uniforms.rows), (piece + 1u) * u32(uniforms.length));
  var offset = 0.0;
  var correlation = 0.0;
  if (feature < features) {
    let gain = scale[feature] * inverseSqrt(variance[feature] + uniforms.epsilon);
    let center = mean[feature];
    for (var row = piece * u32(uniforms.length) + local / width; row < to; row = row + ${WORKGROUP}u / width) {
      let at = row * features + feature;
      let slope = dy[at];
      byX[at] = slope * gain;
      offset = offset + slope;
      correlation = correlation + slope * (x[at] - center);
    }
  }
  offsets[local] = offset;
  correlations[local] = correlation;
  workgroupBarrier();
  for (var half = ${WORKGROUP / 2}u; half >= width; half = half / 2u) {
    if (local < half) {
      offsets[local] = offsets[local] + offsets[local + half];
      correlations[local] = correlations[local] + correlations[local + half];
    }
    workgroupBarrier();
  }
  if (local < width && feature < features && piece * u32(uniforms.length) < u32(uniforms.rows)) {
    sums[2u * piece * features + feature] = offsets[local];
    sums[(2u * piece + 1u) * features + feature] = correlations[local];
  }`,
  }),
};

const total: Shader = {
  key: `${BATCH_NORM_GRADIENT}_total`,
  outputs: ['byMean', 'byVariance', 'byScale', 'byOffset'],
  inputs: ['sums', 'variance', 'scale'],
  uniforms: [integer('features'), integer('pieces'), { name: 'epsilon', type: 'f32' }],
  code: () => ({
    body: `
  let features = u32(uniforms.features);
  let feature = tile * ${WORKGROUP}u + local;
  if (feature >= features) { return; }
  var offset = 0.0;
  var correlation = 0.0;
  for (var piece = 0u; piece < u32(uniforms.pieces); piece = piece + 1u) {
    offset = offset + sums[2u * piece * features + feature];
    correlation = correlation + sums[(2u * piece + 1u) * features + feature];
  }
  let inverse = inverseSqrt(variance[feature] + uniforms.epsilon);
  let gain = scale[feature] * inverse;
  byMean[feature] = -offset * gain;
  byVariance[feature] = -0.5 * correlation * gain * inverse * inverse;
  byScale[feature] = correlation * inverse;
  byOffset[feature] = offset;`,
  }),
};

/** Gives the derivatives by x, mean, variance, scale and offset, in this order. x must have an element, and statistics one for each of its last axis. */
export const apoBatchNormGradient = defineKernel<BatchNormInputs, { readonly varianceEpsilon: number }>(
  BATCH_NORM_GRADIENT,
  ({ inputs: { dy, x, mean, variance, scale }, attrs: { varianceEpsilon: epsilon }, backend }) => {
    const features = sizeOf(mean);
    const rows = sizeOf(x) / features;
    const width = Math.min(MOST_WIDTH, 2 ** Math.ceil(Math.log2(features)));
    const length = Math.max(LEAST_ROWS, Math.ceil(rows / MOST_PIECES));
    const count = Math.ceil(rows / length);
    const byX = allocate(backend, x.shape);
    const sums = allocate(backend, [2 * count * features]);
    compute(backend, pieces, {
      outputs: [byX, sums],
      inputs: [dy, x, mean, variance, scale],
      uniforms: [features, rows, width, length, epsilon],
      workgroups: count * Math.ceil(features / width),
    });
    const outputs = Array.from({ length: 4 }, () => allocate(backend, mean.shape));
    compute(backend, total, {
      outputs,
      inputs: [sums, variance, scale],
      uniforms: [features, count, epsilon],
      workgroups: Math.ceil(features / WORKGROUP),
    });
    backend.disposeData(sums.dataId);
    return [byX, ...outputs];
  },
);

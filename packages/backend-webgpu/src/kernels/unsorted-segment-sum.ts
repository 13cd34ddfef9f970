/**
 * UnsortedSegmentSum, the gradient of `gather`, added in the order of the rows; the stock kernel adds atomically, in any order. The first row of a segment
 * adds up all others of it, which compares every pair of rows; with many rows the stock kernel runs.
 */
import * as tf from '@tensorflow/tfjs-core';
import { compute, sizeOf, WORKGROUP } from '../compute.js';
import type { Shader } from '../compute.js';
import { defineKernel } from '../kernel.js';
import { isDeterministic } from '../determinism.js';
import { stockKernels } from '../stock.js';

interface SegmentInputs extends Readonly<Record<string, tf.TensorInfo>> {
  readonly x: tf.TensorInfo;
  readonly segmentIds: tf.TensorInfo;
}

/** 2²⁶ comparisons for each column. */
const MOST_ROWS = 8192;

const shader: Shader = {
  key: 'UnsortedSegmentSum',
  outputs: ['result'],
  inputs: ['x', { name: 'ids', type: 'i32' }],
  uniforms: [
    { name: 'rows', type: 'i32' },
    { name: 'columns', type: 'i32' },
    { name: 'segments', type: 'i32' },
  ],
  code: () => ({
    body: `
  let at = i32(tile * ${WORKGROUP}u + local);
  if (at >= uniforms.rows * uniforms.columns) { return; }
  let row = at / uniforms.columns;
  let column = at - row * uniforms.columns;
  let id = ids[row];
  if (id < 0 || id >= uniforms.segments) { return; }
  for (var before = 0; before < row; before = before + 1) { if (ids[before] == id) { return; } }
  var sum = 0.0;
  for (var other = row; other < uniforms.rows; other = other + 1) {
    if (ids[other] == id) { sum = sum + x[other * uniforms.columns + column]; }
  }
  result[id * uniforms.columns + column] = sum;`,
  }),
};

export const unsortedSegmentSum = defineKernel<SegmentInputs, { readonly numSegments: number }>(
  tf.UnsortedSegmentSum,
  ({ inputs, attrs, backend }) => {
    const { x, segmentIds } = inputs;
    const { numSegments } = attrs;
    const rows = sizeOf(segmentIds);
    if (!isDeterministic() || x.dtype !== 'float32' || rows > MOST_ROWS || sizeOf(x) === 0)
      return stockKernels.run(tf.UnsortedSegmentSum, inputs, backend, { ...attrs });
    const columns = sizeOf(x) / rows;
    const shape = [numSegments, ...x.shape.slice(segmentIds.shape.length)];
    // Segments without a row stay zero.
    const output = tf.getKernel(tf.Fill, 'webgpu').kernelFunc({
      inputs: {},
      backend,
      attrs: { shape, value: 0, dtype: 'float32' },
    }) as tf.TensorInfo;
    compute(backend, shader, {
      outputs: [output],
      inputs: [x, segmentIds],
      uniforms: [rows, columns, numSegments],
      workgroups: Math.ceil(sizeOf(x) / WORKGROUP),
    });
    return output;
  },
);

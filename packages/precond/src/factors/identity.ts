/** F = I: a side without a matrix, because it has length one, is too long, or has no use for mixing (the vocabulary of an embedding). */
import type * as tf from '@tensorflow/tfjs-core';
import type { BoundFactor, Factor, Product } from './factor.js';

const unchanged = (x: tf.Tensor2D): Product => ({ source: x, value: x });

const bound: BoundFactor = {
  right: unchanged,
  rightTransposed: unchanged,
  left: unchanged,
  leftTransposed: unchanged,
  columnGradient: () => ({}),
  rowGradient: () => ({}),
};

export const identityFactor: Factor = {
  label: 'identity',
  parameters: 0,
  flops: () => 0,
  columnGradientFlops: () => 0,
  rowGradientFlops: () => 0,
  initialPhi: () => ({}),
  bind: () => bound,
  lowRank: { of: () => undefined, gradient: () => ({}) },
  whole: {},
};

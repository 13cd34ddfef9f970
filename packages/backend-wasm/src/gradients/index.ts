/** The gradients this package registers in the place of tfjs-core's. They hold on every backend. */
import type * as tf from '@tensorflow/tfjs-core';
import {
  activationSecondGradients,
  reluGradient,
  sigmoidGradient,
  softmaxGradient,
  tanhGradient,
} from './activation.js';
import { batchNormGradient, batchNormSumsGradient } from './batch-norm.js';
import { meanGradient, sumGradient } from './reduction.js';

export const trainingGradients: readonly tf.GradConfig[] = [
  batchNormGradient,
  batchNormSumsGradient,
  meanGradient,
  reluGradient,
  sigmoidGradient,
  softmaxGradient,
  sumGradient,
  tanhGradient,
  ...activationSecondGradients,
];

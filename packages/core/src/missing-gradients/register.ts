/**
 * Registers, for every engine, the gradients that tfjs-core 4.22 lacks or refuses: broadcasting `maximum`, `minimum`,
 * `squaredDifference` and batch `matMul`, `einsum`, dilated `conv2d`, comparisons, `gatherND`, `scatterND`, `depthToSpace`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { batchMatMulGradient } from './batch-mat-mul.js';
import { comparisonGradients } from './comparison.js';
import { depthToSpaceGradient } from './depth-to-space.js';
import { conv2dGradient } from './dilated-convolution.js';
import { einsumGradient } from './einsum.js';
import { maximumGradient, minimumGradient } from './extremum.js';
import { gatherNdGradient, scatterNdGradient } from './gather-scatter.js';
import { squaredDifferenceGradient } from './squared-difference.js';

/** Of the same value as tfjs-core's where that one has any, so that they can stand in its place. */
const gradients: readonly tf.GradConfig[] = [
  maximumGradient,
  minimumGradient,
  squaredDifferenceGradient,
  batchMatMulGradient,
  einsumGradient,
  ...comparisonGradients,
  gatherNdGradient,
  scatterNdGradient,
  depthToSpaceGradient,
];

/** Made from the gradient they extend. */
const extensions: Readonly<Record<string, (registered: tf.GradConfig) => tf.GradConfig>> = {
  Conv2D: conv2dGradient,
};

let extended: ReadonlyMap<string, tf.GradConfig> | undefined;

/** Call it after tfjs-core's own gradients are registered. Calling it again changes nothing. */
export function registerMissingGradients(): void {
  for (const gradient of gradients) replace(gradient);
  extended ??= new Map(
    Object.entries(extensions).flatMap(([name, extend]) => {
      const registered = tf.getGradient(name) as tf.GradConfig | undefined;
      return registered === undefined ? [] : [[name, extend(registered)] as const];
    }),
  );
  for (const gradient of extended.values()) replace(gradient);
}

/** `tf.registerGradient` warns in debug mode when it overrides; taking the old one out first does not. */
function replace(gradient: tf.GradConfig): void {
  const registered = tf.getGradient(gradient.kernelName) as tf.GradConfig | undefined;
  if (registered === gradient) return;
  if (registered !== undefined) tf.unregisterGradient(gradient.kernelName);
  tf.registerGradient(gradient);
}

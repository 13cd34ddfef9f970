/** Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019): bias-corrected first moment over the root of the second. */
import * as tf from '@tensorflow/tfjs-core';
import { advanceSlot } from '../base-direction.js';
import type { BaseDirection } from '../base-direction.js';
import { requireNumber } from '../errors.js';
import { withKernel } from '../fused-direction.js';
import { withLearningRate } from '../learning-rate.js';
import type { LearningRateOptions } from '../learning-rate.js';
import { mapTensors } from '../tensor-map.js';
import type { UpdateRule } from '../update-rule.js';

export interface AdamOptions extends LearningRateOptions {
  /** Kept part of the first moment, in [0, 1). Default 0.9. */
  readonly beta1?: number;
  /** Kept part of the second moment, in [0, 1). Default 0.999. */
  readonly beta2?: number;
  /** Added to the root. Default 1e-8. */
  readonly epsilon?: number;
}

export interface AdamWOptions extends AdamOptions {
  /** Decoupled decay: θ′ = θ − η (d + weightDecay · θ). Default 0.01. */
  readonly weightDecay?: number;
}

export function adamDirection(options: AdamWOptions = {}): BaseDirection {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = options;
  requireNumber('beta1', beta1, { min: 0, max: 1 - 1e-9 });
  requireNumber('beta2', beta2, { min: 0, max: 1 - 1e-9 });
  requireNumber('epsilon', epsilon, { min: 0 });
  requireNumber('weightDecay', weightDecay, { min: 0 });
  // m/c₁ / (√(s/c₂) + ε) = m / (√s · c₁/√c₂ + ε c₁): four passes over the data instead of six.
  const corrections = (step: number): { rootScale: number; epsilon: number } => {
    const c1 = 1 - Math.pow(beta1, step);
    const c2 = 1 - Math.pow(beta2, step);
    return { rootScale: c1 / Math.sqrt(c2), epsilon: epsilon * c1 };
  };
  const plain: BaseDirection = {
    name: weightDecay > 0 ? 'adamw' : 'adam',
    slots: ['firstMoment', 'secondMoment'],
    direction(input) {
      const firstMoment = advanceSlot('firstMoment', input, (g, m) =>
        tf.add(tf.mul(m, beta1), tf.mul(g, 1 - beta1)),
      );
      const secondMoment = advanceSlot('secondMoment', input, (g, s) =>
        tf.add(tf.mul(s, beta2), tf.mul(tf.square(g), 1 - beta2)),
      );
      const corrected = corrections(input.step);
      const direction = mapTensors(firstMoment, (m, name) => {
        const root = tf.add(tf.mul(tf.sqrt(secondMoment[name]!), corrected.rootScale), corrected.epsilon);
        const d = tf.div(m, root);
        return weightDecay > 0 ? tf.add(d, tf.mul(input.variables[name]!, weightDecay)) : d;
      });
      return { direction, state: { firstMoment, secondMoment } };
    },
    defaultLookahead: { factor: 4 },
  };
  return withKernel(plain, {
    kernelName: 'ApoAdam',
    attributes: (step) => ({ beta1, beta2, weightDecay, ...corrections(step) }),
    needsVariables: weightDecay > 0,
  });
}

/** θ′ = θ − η m̂ / (√ŝ + ε). */
export function adam(options: AdamOptions = {}): UpdateRule {
  return withLearningRate(adamDirection({ ...options, weightDecay: 0 }), {
    ...options,
    learningRate: options.learningRate ?? 0.001,
  });
}

/** θ′ = θ − η (m̂ / (√ŝ + ε) + weightDecay · θ). */
export function adamw(options: AdamWOptions = {}): UpdateRule {
  return withLearningRate(adamDirection({ ...options, weightDecay: options.weightDecay ?? 0.01 }), {
    learningRate: 0.001,
    ...options,
  });
}

/** RMSprop (Tieleman & Hinton 2012): the gradient over the root of its running mean square; centred and with momentum as options. */
import * as tf from '@tensorflow/tfjs-core';
import { advanceSlot } from '../base-direction.js';
import type { BaseDirection } from '../base-direction.js';
import { requireNumber } from '../errors.js';
import { withKernel } from '../fused-direction.js';
import { withLearningRate } from '../learning-rate.js';
import type { LearningRateOptions } from '../learning-rate.js';
import { mapTensors, scaled } from '../tensor-map.js';
import type { TensorMap, UpdateRule } from '../update-rule.js';

export interface RmspropOptions extends LearningRateOptions {
  /** α in [0, 1): how much of the running mean square is kept. Default 0.99. */
  readonly decay?: number;
  /** Added to the root. Default 1e-8. */
  readonly epsilon?: number;
  /** μ in [0, 1) of a momentum on the normalised gradient. Default 0: none. */
  readonly momentum?: number;
  /** Divide by the running standard deviation instead of the root mean square. Default false. */
  readonly centered?: boolean;
  /** Divide the running averages by 1 − αᵗ, so that the first steps are not 1/√(1 − α) times too long. Default false. */
  readonly biasCorrection?: boolean;
}

export function rmspropDirection(options: RmspropOptions = {}): BaseDirection {
  const {
    decay = 0.99,
    epsilon = 1e-8,
    momentum: mu = 0,
    centered = false,
    biasCorrection = false,
  } = options;
  requireNumber('decay', decay, { min: 0, max: 1 - 1e-9 });
  requireNumber('epsilon', epsilon, { min: 0 });
  requireNumber('momentum', mu, { min: 0, max: 1 - 1e-9 });
  const average = (old: tf.Tensor, value: tf.Tensor): tf.Tensor =>
    tf.add(tf.mul(old, decay), tf.mul(value, 1 - decay));
  const correctionAt = (step: number): number => (biasCorrection ? 1 / (1 - Math.pow(decay, step)) : 1);
  const plain: BaseDirection = {
    name: 'rmsprop',
    slots: ['meanSquare', ...(centered ? ['mean'] : []), ...(mu > 0 ? ['velocity'] : [])],
    direction(input) {
      const { gradients } = input;
      const correction = correctionAt(input.step);
      const corrected = (x: tf.Tensor): tf.Tensor => (correction === 1 ? x : tf.mul(x, correction));
      const meanSquare = advanceSlot('meanSquare', input, (g, s) => average(s, tf.square(g)));
      const mean = centered ? advanceSlot('mean', input, (g, a) => average(a, g)) : undefined;
      const normalised = mapTensors(gradients, (g, name) => {
        const square = corrected(meanSquare[name]!);
        const spread = mean ? tf.relu(tf.sub(square, tf.square(corrected(mean[name]!)))) : square;
        return tf.div(g, tf.add(tf.sqrt(spread), epsilon));
      });
      const velocity: TensorMap | undefined =
        mu > 0
          ? mapTensors(normalised, (d, name) => tf.add(tf.mul(input.state['velocity']![name]!, mu), d))
          : undefined;
      return {
        direction: velocity ?? normalised,
        state: { meanSquare, ...(mean && { mean }), ...(velocity && { velocity }) },
      };
    },
    defaultLookahead: mu > 0 ? 'committed' : 'step',
  };
  const fused = withKernel(plain, {
    kernelName: 'ApoRmsprop',
    attributes: (step) => ({ decay, epsilon, momentum: mu, centered, correction: correctionAt(step) }),
    ...(mu > 0 && { directionSlot: 'velocity' }),
  });
  if (mu === 0) return fused;
  return {
    ...fused,
    committed(input) {
      const { direction } = fused.direction(input);
      const old = scaled(input.state['velocity']!, mu);
      const own = mapTensors(direction, (d, name) => tf.sub(d, old[name]!));
      return { direction: scaled(own, 1 / (1 - mu)), momentum: old };
    },
  };
}

/** θ′ = θ − η g / (√s + ε). */
export function rmsprop(options: RmspropOptions = {}): UpdateRule {
  return withLearningRate(rmspropDirection(options), {
    ...options,
    learningRate: options.learningRate ?? 0.001,
  });
}

import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dense, twoByTwoModel } from '../../test/layers-models.js';
import { fromLayersModel } from '../index.js';

beforeEach(() => tf.engine().startScope());
afterEach(() => {
  tf.engine().endScope();
  tf.disposeVariables();
});

describe('the divergence', () => {
  const [p, q] = [
    [0.5, 0.3, 0.2],
    [0.6, 0.3, 0.1],
  ] as const;
  /** KL(p ‖ q) = Σ p (log p − log q). */
  const kl = p.reduce((sum, x, i) => sum + x * Math.log(x / q[i]!), 0);
  /** Σ over elements of the Bernoulli KL. */
  const bernoulli = p.reduce(
    (sum, x, i) => sum + x * Math.log(x / q[i]!) + (1 - x) * Math.log((1 - x) / (1 - q[i]!)),
    0,
  );
  const squared = p.reduce((sum, x, i) => sum + (x - q[i]!) ** 2, 0);
  const log = (values: readonly number[]): number[] => values.map(Math.log);
  const logit = (values: readonly number[]): number[] => values.map((x) => Math.log(x / (1 - x)));

  function rho(
    loss: unknown,
    next: readonly number[],
    previous: readonly number[],
    divergence?: 'squared-error',
  ): number {
    const model = tf.sequential({ layers: [dense({ units: 3, inputShape: [4], seed: 1 })] });
    model.compile({ optimizer: 'sgd', loss: loss as string });
    const objective = fromLayersModel(model, divergence ? { divergence } : {});
    return objective.divergence(tf.tensor2d([[...next]]), tf.tensor2d([[...previous]])).dataSync()[0]!;
  }

  it.each([
    ['categoricalCrossentropy', 'categoricalCrossentropy', q, p, kl],
    ['sparseCategoricalCrossentropy', 'sparseCategoricalCrossentropy', q, p, kl],
    ['kullbackLeiblerDivergence', 'kullbackLeiblerDivergence', q, p, kl],
    ['softmaxCrossEntropy of logits', tf.losses.softmaxCrossEntropy, log(q), log(p), kl],
    // tfjs averages these over the three elements, and so does ρ
    ['binaryCrossentropy', 'binaryCrossentropy', q, p, bernoulli / 3],
    ['logLoss', tf.losses.logLoss, q, p, bernoulli / 3],
    ['sigmoidCrossEntropy of logits', tf.losses.sigmoidCrossEntropy, logit(q), logit(p), bernoulli / 3],
    ['meanSquaredError', 'meanSquaredError', q, p, squared / 3],
    ['meanAbsoluteError', 'meanAbsoluteError', q, p, squared / 3],
    ['a function', (t: tf.Tensor, o: tf.Tensor): tf.Tensor => tf.abs(tf.sub(t, o)), q, p, squared / 3],
  ] as const)('follows from the loss, with its reduction: %s', (_, loss, next, previous, expected) => {
    expect(rho(loss, next, previous)).toBeCloseTo(expected, 5);
  });

  it('has the curvature of the loss: equal to second order to the loss at the target', () => {
    // With targets equal to the old outputs, mean squared error and Bernoulli KL are their own Bregman divergences.
    const model = tf.sequential({
      layers: [dense({ units: 3, activation: 'sigmoid', inputShape: [4], seed: 1 })],
    });
    model.compile({ optimizer: 'sgd', loss: 'binaryCrossentropy' });
    const objective = fromLayersModel(model);
    const [next, previous] = [tf.tensor2d([[...q]]), tf.tensor2d([[...p]])];
    const loss = (outputs: tf.Tensor): number =>
      objective.loss(outputs, { inputs: [], targets: [previous] }).dataSync()[0]!;
    expect(objective.divergence(next, previous).dataSync()[0]).toBeCloseTo(loss(next) - loss(previous), 5);
  });

  it('averages the KL over positions, as tfjs averages the loss', () => {
    const input = tf.input({ shape: [2, 3] });
    const model = tf.model({
      inputs: input,
      outputs: dense({ units: 3, activation: 'softmax', seed: 1 }).apply(input) as tf.SymbolicTensor,
    });
    model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
    const [next, previous] = [tf.tensor3d([[[...q], [...p]]]), tf.tensor3d([[[...p], [...p]]])];
    expect(fromLayersModel(model).divergence(next, previous).dataSync()[0]).toBeCloseTo(kl / 2, 5);
  });

  it('is chosen per output and summed, or named by the user', () => {
    const model = twoByTwoModel();
    model.compile({ optimizer: 'sgd', loss: ['categoricalCrossentropy', 'meanSquaredError'] });
    const next = [tf.tensor2d([[...q]]), tf.tensor2d([[1, 2]])];
    const previous = [tf.tensor2d([[...p]]), tf.tensor2d([[0, 0]])];
    const value = (options: Parameters<typeof fromLayersModel>[1]): number =>
      fromLayersModel(model, options).divergence(next, previous).dataSync()[0]!;
    expect(value({})).toBeCloseTo(kl + 5 / 2, 5);
    // ½‖Δ‖², summed over an output
    expect(value({ divergence: 'squared-error' })).toBeCloseTo(squared / 2 + 5 / 2, 5);
    expect(value({ divergence: { kind: 'squared-error' } })).toBeCloseTo(squared / 2 + 5 / 2, 5);
    expect(value({ divergence: { size: () => tf.scalar(7) } })).toBeCloseTo(kl + 7, 5);
    expect(value({ divergence: () => tf.scalar(2) })).toBe(4);
  });

  it('keeps the documented sum when named by the user', () => {
    expect(rho('meanSquaredError', q, p, 'squared-error')).toBeCloseTo(squared / 2, 5);
  });
});

describe('divergenceName', () => {
  const nameFor = (
    units: number,
    loss: string,
    divergence?: Parameters<typeof fromLayersModel>[1],
  ): string | undefined => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units, inputShape: [2] })] });
    model.compile({ optimizer: 'sgd', loss });
    const { divergenceName } = fromLayersModel(model, divergence);
    model.dispose();
    return divergenceName;
  };

  it('is there where ρ is that divergence itself, without a factor', () => {
    expect(nameFor(3, 'categoricalCrossentropy')).toBe('softmax-kl');
    // Means over two elements: the squared error is 2 · ½ ‖Δ‖² / 2, the Bernoulli one half the divergence.
    expect(nameFor(2, 'meanSquaredError')).toBe('squared-error');
    expect(nameFor(3, 'meanSquaredError')).toBeUndefined();
    expect(nameFor(1, 'binaryCrossentropy')).toBe('bernoulli-kl');
    expect(nameFor(2, 'binaryCrossentropy')).toBeUndefined();
    expect(nameFor(3, 'meanSquaredError', { divergence: 'softmax-kl-logits' })).toBe('softmax-kl-logits');
  });
});

/** What KFAC, EKFAC and Shampoo share: their own state taken back, steps that are given up, and what these leave. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, it } from 'vitest';
import type { Objective, OptimizerState, SupervisedBatch } from '@apo/core';
import { Ekfac } from '../kfac/ekfac.js';
import { Kfac } from '../kfac/kfac.js';
import { Shampoo } from '../shampoo/shampoo.js';
import { classes, release, weights } from '../testing/batches.js';
import { network } from '../testing/networks.js';
import type { Network } from '../testing/networks.js';
import type { PreparedOptimizer } from './prepared-optimizer.js';
import type { PendingStep } from './prepared-optimizer.js';

type Made = PreparedOptimizer<SupervisedBatch, PendingStep>;
type Make = (objective: Objective<SupervisedBatch>) => Made;

/** Each reads from the engine at every step. */
const optimizers: readonly (readonly [string, Make])[] = [
  ['KFAC', (o) => new Kfac(o, { inverseInterval: 1, levenbergMarquardt: { interval: 1 } }) as Made],
  ['EKFAC', (o) => new Ekfac(o, { inverseInterval: 1 }) as Made],
  ['Shampoo', (o) => new Shampoo(o, { rootInterval: 1, grafting: 'adam' }) as Made],
];

const classifier = (): Network => network({ sizes: [3, 4, 3], loss: 'softmax-cross-entropy' });

/** Names, values and counters of a state. */
function content(state: OptimizerState): unknown {
  const tensors = Object.entries(state.tensors).map(([name, tensor]) => [
    name.replace(/net\d+/, ''),
    [...tensor.dataSync()],
  ]);
  return [tensors, { ...state.values, blocks: undefined }];
}

describe.each(optimizers)('%s takes back its own state', (_, make) => {
  it('and nothing changes', () => {
    const [net, twin] = [classifier(), classifier()];
    const batch = classes(8, 3, 3);
    const [optimizer, other] = [make(net.objective), make(twin.objective)];
    for (const one of [optimizer, other]) for (let step = 0; step < 2; step++) one.step(batch);
    const before = content(optimizer.state());
    const tensors = tf.memory().numTensors;
    optimizer.restore(optimizer.state());
    expect(tf.memory().numTensors).toBe(tensors);
    expect(content(optimizer.state())).toEqual(before);
    // The next step is that of a twin which was left alone.
    for (const one of [optimizer, other]) one.step(batch);
    expect(weights(net)).toEqual(weights(twin));
    expect(content(optimizer.state())).toEqual(content(other.state()));
    for (const one of [optimizer, other, net, twin]) one.dispose();
    release(batch);
  });
});

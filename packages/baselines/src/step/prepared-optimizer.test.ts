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
import type { PendingStep } from './begun-step.js';
import type { PreparedOptimizer } from './prepared-optimizer.js';

type Made = PreparedOptimizer<SupervisedBatch, PendingStep>;
type Make = (objective: Objective<SupervisedBatch>) => Made;

/** Each reads from the engine at every step. */
const optimizers: readonly (readonly [string, Make])[] = [
  ['KFAC', (o) => new Kfac(o, { inverseInterval: 1, levenbergMarquardt: { interval: 1 } })],
  ['EKFAC', (o) => new Ekfac(o, { inverseInterval: 1 })],
  ['Shampoo', (o) => new Shampoo(o, { rootInterval: 1, grafting: 'adam' })],
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

/** A classifier that counts its forward passes in training: a state variable like a BatchNorm average. */
function counting(): { net: Network; passes: tf.Variable; objective: Objective<SupervisedBatch> } {
  const net = classifier();
  const passes = tf.tidy(() => tf.variable(tf.scalar(0)));
  const objective: Objective<SupervisedBatch> = {
    ...net.objective,
    stateVariables: [passes],
    predict(batch, training) {
      if (training) tf.tidy(() => passes.assign(tf.add(passes as tf.Tensor, 1)));
      return net.objective.predict(batch, training);
    },
  };
  return { net, passes, objective };
}

/** Ways in which a step begins and is not taken. */
const ways: readonly (readonly [
  string,
  (optimizer: Made, batch: SupervisedBatch, poisoned: SupervisedBatch) => unknown,
])[] = [
  ['is discarded', (optimizer, batch) => optimizer.openStep(batch).discard()],
  [
    'was prepared and is not wanted',
    async (optimizer, batch) => {
      const state = optimizer.state();
      await optimizer.prepare(batch);
      optimizer.restore(state);
    },
  ],
  [
    'fails in what is read',
    (optimizer, _, poisoned) => {
      expect(() => optimizer.step(poisoned)).toThrow(/not finite/);
    },
  ],
  [
    'fails in what is awaited',
    async (optimizer, _, poisoned) => {
      await expect(optimizer.openStep(poisoned).finish()).rejects.toThrow(/not finite/);
    },
  ],
];

describe.each(optimizers)('%s: a step that', (_, make) => {
  it.each(ways)('%s gives averages back and leaves no tensor', async (_way, abandon) => {
    const { net, passes, objective } = counting();
    const batch = classes(8, 3, 3);
    const poisoned = { inputs: tf.fill([8, 3], NaN), targets: batch.targets };
    const optimizer = make(objective);
    optimizer.step(batch);
    const before = [passes.dataSync()[0], weights(net), optimizer.state().values['random']];
    // A report that a gradient was not finite takes a note of that off the state.
    const others = (): number => tf.memory().numTensors - Object.keys(optimizer.state().tensors).length;
    const tensors = others();
    await abandon(optimizer, batch, poisoned);
    expect([passes.dataSync()[0], weights(net), optimizer.state().values['random']]).toEqual(before);
    expect(others()).toBe(tensors);
    optimizer.dispose();
    tf.dispose([passes, poisoned.inputs]);
    net.dispose();
    release(batch);
  });

  it('is open does not show in the state', () => {
    const { net, passes, objective } = counting();
    const batch = classes(8, 3, 3);
    const optimizer = make(objective);
    optimizer.step(batch);
    const before = content(optimizer.state());
    const open = optimizer.openStep(batch);
    expect(content(optimizer.state())).toEqual(before);
    open.finishNow();
    expect(content(optimizer.state())).not.toEqual(before);
    optimizer.dispose();
    tf.dispose(passes);
    net.dispose();
    release(batch);
  });

  it('fails in the pass gives averages back', () => {
    const { net, passes, objective } = counting();
    const batch = classes(8, 3, 3);
    const optimizer = make(objective);
    const onOutputs = (): void => {
      throw new Error('no such metric');
    };
    expect(() => optimizer.step(batch, undefined, { onOutputs })).toThrow('no such metric');
    expect(passes.dataSync()[0]).toBe(0);
    optimizer.dispose();
    passes.dispose();
    net.dispose();
    release(batch);
  });

  it('is discarded leaves averages alone that were loaded meanwhile, or are gone', () => {
    const { net, passes, objective } = counting();
    const batch = classes(8, 3, 3);
    const optimizer = make(objective);
    const open = optimizer.openStep(batch);
    tf.tidy(() => passes.assign(tf.scalar(70)));
    open.discard();
    expect(passes.dataSync()[0]).toBe(70);
    const last = optimizer.openStep(batch);
    passes.dispose();
    last.discard();
    optimizer.dispose();
    net.dispose();
    release(batch);
  });
});

/** What the optimizer may be asked to do while it waits for numbers. */
const meanwhile: readonly (readonly [string, (optimizer: Made, batch: SupervisedBatch) => unknown])[] = [
  ['restore', (optimizer) => optimizer.restore(optimizer.state())],
  ['prepare', (optimizer, batch) => optimizer.prepare(batch)],
  ['openStep', (optimizer, batch) => optimizer.openStep(batch).discard()],
  ['dispose', (optimizer) => optimizer.dispose()],
];

describe.each(optimizers)('%s: while a step waits to be finished', (_, make) => {
  it.each(meanwhile)('%s discards it', async (name, act) => {
    const { net, passes, objective } = counting();
    const [batch, next] = [classes(8, 3, 3), classes(8, 3, 3, 60)];
    const tensors = tf.memory().numTensors;
    const optimizer = make(objective);
    optimizer.step(batch);
    const before = weights(net);
    const open = optimizer.openStep(batch);
    const waiting = open.finish();
    await act(optimizer, next);
    await expect(waiting).resolves.toBeUndefined();
    expect([open.isComplete, optimizer.steps, weights(net)]).toEqual([false, 1, before]);
    // The step that was taken, and the one that `prepare` has begun.
    expect(passes.dataSync()[0]).toBe(name === 'prepare' ? 2 : 1);
    if (name !== 'dispose') optimizer.dispose();
    expect(passes.dataSync()[0]).toBe(1);
    expect(tf.memory().numTensors).toBe(tensors);
    tf.dispose(passes);
    net.dispose();
    [batch, next].forEach(release);
  });

  it('a step of another batch is taken in its place, and the one that waited never was', async () => {
    const [net, twin] = [classifier(), classifier()];
    const [batch, next] = [classes(8, 3, 3), classes(8, 3, 3, 60)];
    const [optimizer, other] = [make(net.objective), make(twin.objective)];
    const waiting = optimizer.openStep(batch).finish();
    for (const one of [optimizer, other]) one.step(next);
    await waiting;
    expect(optimizer.steps).toBe(1);
    expect(weights(net)).toEqual(weights(twin));
    for (const one of [optimizer, other, net, twin]) one.dispose();
    [batch, next].forEach(release);
  });

  it('it can be finished at once, or once more, and is taken once', async () => {
    const [net, twin] = [classifier(), classifier()];
    const batch = classes(8, 3, 3);
    const [optimizer, other] = [make(net.objective), make(twin.objective)];
    for (let step = 0; step < 2; step++) other.step(batch);
    const first = optimizer.openStep(batch);
    const waiting = first.finish();
    first.finishNow();
    expect([first.isComplete, optimizer.steps]).toEqual([true, 1]);
    await waiting;
    const second = optimizer.openStep(batch);
    expect(second.isComplete).toBe(false);
    await Promise.all([second.finish(), second.finish()]);
    expect([second.isComplete, optimizer.steps]).toEqual([true, 2]);
    expect(weights(net)).toEqual(weights(twin));
    for (const one of [optimizer, other, net, twin]) one.dispose();
    release(batch);
  });
});

describe.each(optimizers)('%s: while a step is being prepared', (_, make) => {
  it('a disposed optimizer holds nothing afterwards', async () => {
    const net = classifier();
    const batch = classes(8, 3, 3);
    const tensors = tf.memory().numTensors;
    const optimizer = make(net.objective);
    const waiting = optimizer.prepare(batch);
    optimizer.dispose();
    await waiting;
    expect(tf.memory().numTensors).toBe(tensors);
    net.dispose();
    release(batch);
  });

  it('a step of the same batch, taken too early, is the step that was not prepared', async () => {
    const [net, twin] = [classifier(), classifier()];
    const batch = classes(8, 3, 3);
    const [optimizer, other] = [make(net.objective), make(twin.objective)];
    const waiting = optimizer.prepare(batch);
    for (const one of [optimizer, other]) one.step(batch);
    await waiting;
    for (const one of [optimizer, other]) one.step(batch);
    expect(optimizer.steps).toBe(2);
    expect(weights(net)).toEqual(weights(twin));
    for (const one of [optimizer, other, net, twin]) one.dispose();
    release(batch);
  });
});

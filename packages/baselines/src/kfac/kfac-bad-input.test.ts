/** What KFAC refuses, with everything as it was. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { isApoError } from '@apo/core';
import type { SupervisedBatch } from '@apo/core';
import { batchOf, release, weights } from '../testing/batches.js';
import { leaked } from '../testing/evidence.js';
import { network } from '../testing/networks.js';
import { Ekfac } from './ekfac.js';
import { Kfac } from './kfac.js';
import type { KfacOptions } from './kfac.js';

describe('Kfac on bad input', () => {
  it('refuses options out of range', () => {
    const net = network({ sizes: [2, 2] });
    const make = (options: KfacOptions) => () => new Kfac(net.objective, options);
    expect(make({ damping: 0 })).toThrow(/damping is 0/);
    expect(make({ damping: -1 })).toThrow(/damping is -1/);
    expect(make({ factorInterval: 0 })).toThrow(/factorInterval is 0/);
    expect(make({ inverseInterval: 0.5 })).toThrow(/inverseInterval is 0.5/);
    expect(make({ factorInterval: 4, inverseInterval: 6 })).toThrow(/expected a multiple/);
    expect(make({ klClip: 0 })).toThrow(/klClip is 0/);
    expect(make({ learningRate: Infinity })).toThrow(/learningRate is Infinity/);
    expect(make({ momentum: 1 })).toThrow(/momentum is 1/);
    expect(make({ dampingForm: 'exact', inverse: 'cholesky' })).toThrow(/eigenbasis/);
    expect(make({ fisher: 'true' as 'exact' })).toThrow(/fisher is "true"/);
    expect(() => new Kfac({ ...net.objective, divergenceName: undefined as never })).toThrow(
      /pass distribution/,
    );
    net.dispose();
  });

  it('a variable without a block is refused by name, weights unchanged, or gets a diagonal', async () => {
    const net = network({ sizes: [3, 2] });
    const odd = tf.variable(tf.ones([2]), true, 'odd-gain');
    const objective = {
      ...net.objective,
      variables: [...net.variables, odd],
      predict: (batch: SupervisedBatch): tf.Tensor =>
        tf.mul(net.objective.predict(batch, true) as tf.Tensor, tf.exp(odd as tf.Tensor)),
    };
    const batch = batchOf(4, 3, 2);
    const before = weights(net);
    const optimizer = new Kfac(objective);
    expect(
      await leaked(() => expect(() => optimizer.step(batch)).toThrow(/"odd-gain" \[2\]: used by Exp/)),
    ).toBe(0);
    expect(weights(net)).toEqual(before);
    expect(optimizer.steps).toBe(0);
    optimizer.dispose();
    const diagonal = new Kfac(objective, { unsupported: 'diagonal' });
    diagonal.step(batch);
    expect(diagonal.partition.at(-1)!.block).toMatch(/diagonal \(batch gradients\): used by Exp/);
    diagonal.dispose();
    release(batch);
    odd.dispose();
    net.dispose();
  });

  it('a gradient that is not finite: typed error with the layer, weights and inverses as they were, damping raised', async () => {
    const net = network({ sizes: [3, 4, 2] });
    const [good, bad] = [batchOf(5, 3, 2), batchOf(5, 3, 2)];
    const poisoned = { ...bad, inputs: tf.fill([5, 3], NaN) };
    for (const optimizer of [
      new Kfac(net.objective, { inverseInterval: 2, damping: 0.01 }),
      new Ekfac(net.objective, { inverseInterval: 2, damping: 0.01 }),
    ]) {
      optimizer.step(good);
      const [before, state] = [weights(net), optimizer.state()];
      const inverses = (tensors: typeof state.tensors): number[][] =>
        Object.entries(tensors)
          .filter(([name]) => name.startsWith('block/'))
          .map(([, tensor]) => [...tensor.dataSync()]);
      const kept = inverses(state.tensors);
      // Step 2 reads nothing: it is left out, and the next step that reads says so.
      optimizer.step(poisoned);
      expect(weights(net)).toEqual(before);
      expect(inverses(optimizer.state().tensors)).toEqual(kept);
      expect((await optimizer.statistics()).rejected).toBe(1);
      expect(() => optimizer.step(good)).toThrow(/dense1\/kernel.* was not finite in an earlier step/);
      expect(optimizer.damping).toBeCloseTo(0.1, 6);
      // Step 3 reads: it throws at once.
      expect(() => optimizer.step(poisoned)).toThrow(/dense1\/kernel.* is not finite in this step/);
      await expect(optimizer.prepare(poisoned)).rejects.toThrow(/not finite/);
      expect(weights(net)).toEqual(before);
      expect(inverses(optimizer.state().tensors)).toEqual(kept);
      optimizer.step(good);
      expect(weights(net)).not.toEqual(before);
      expect(weights(net).every(Number.isFinite)).toBe(true);
      expect(optimizer.damping).toBeCloseTo(10, 4);
      optimizer.dispose();
    }
    [good, bad, poisoned].forEach(release);
    net.dispose();
  });

  it('a singular factor: typed error with the layer, damping raised until it can be inverted, weights unchanged', () => {
    const net = network({ sizes: [3, 2] });
    // One example: A = x̄ x̄ᵀ has rank 1, and its damping of 1e-15 drowns in rounding.
    const batch = batchOf(1, 3, 2);
    const optimizer = new Kfac(net.objective, { damping: 1e-30 });
    const before = weights(net);
    expect(() => optimizer.step(batch)).toThrow(/Layer '.*dense1\/kernel'.*not positive definite/);
    expect(optimizer.damping / 1e-29).toBeCloseTo(1, 6);
    expect(weights(net)).toEqual(before);
    expect([optimizer.steps, optimizer.partition.length]).toEqual([0, 0]);
    let attempts = 1;
    while (optimizer.steps === 0 && attempts < 40) {
      attempts++;
      try {
        optimizer.step(batch);
      } catch (error) {
        expect(isApoError(error) && error.code).toBe('NUMERICAL');
      }
    }
    expect(attempts).toBeLessThan(40);
    expect(weights(net).every(Number.isFinite)).toBe(true);
    expect(weights(net)).not.toEqual(before);
    optimizer.dispose();
    release(batch);
    net.dispose();
  });

  it('a schedule multiplies the rate', async () => {
    const net = network({ sizes: [3, 2] });
    const batch = batchOf(4, 3, 2);
    const optimizer = new Kfac(net.objective, {
      learningRate: 0.1,
      schedule: (step) => (step === 2 ? 0 : 0.5),
    });
    optimizer.step(batch);
    expect((await optimizer.learningRates())['all']).toBe(0.05);
    const before = weights(net);
    optimizer.step(batch);
    expect(weights(net)).toEqual(before);
    optimizer.dispose();
    release(batch);
    net.dispose();
  });

  it('a checkpoint of another model or method is refused, nothing changed', () => {
    const [one, other] = [network({ sizes: [3, 2] }), network({ sizes: [3, 3] })];
    const batch = batchOf(4, 3, 2);
    const [optimizer, fresh, ekfac] = [
      new Kfac(one.objective),
      new Kfac(other.objective),
      new Ekfac(one.objective),
    ];
    optimizer.step(batch);
    const state = optimizer.state();
    expect(() => fresh.restore(state)).toThrow(/belongs to another model/);
    expect(() => ekfac.restore(state)).toThrow(/saved by kfac, this is ekfac/);
    expect(fresh.steps).toBe(0);
    [optimizer, fresh, ekfac].forEach((each) => each.dispose());
    release(batch);
    [one, other].forEach((net) => net.dispose());
  });
});

/** KFAC against the exact Gauss–Newton block, and what its options do. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { SupervisedBatch } from '@apo/core';
import { inverse } from '../linalg/cholesky.js';
import { batchOf, classes, release, weights } from '../testing/batches.js';
import { leaked, relativeError } from '../testing/evidence.js';
import { gaussNewtonBlock, network } from '../testing/networks.js';
import type { Network } from '../testing/networks.js';
import { Kfac } from './kfac.js';
import type { KfacOptions } from './kfac.js';
import { formatPartition } from './partition.js';
import type { PartitionRow } from './partition.js';

/** U of the first step with η = 1: θ − θ′. */
function firstUpdate(net: Network, batch: SupervisedBatch, options: KfacOptions): Map<string, Float32Array> {
  const before = net.variables.map((variable) => variable.dataSync().slice());
  const optimizer = new Kfac(net.objective, { learningRate: 1, momentum: 0, klClip: false, ...options });
  optimizer.step(batch);
  optimizer.dispose();
  return new Map(
    net.variables.map((variable, v) => [
      variable.name.split('/').slice(1).join('/'),
      Float32Array.from(variable.dataSync(), (value, i) => before[v]![i]! - value),
    ]),
  );
}

/** (F + λI)⁻¹ g for the exact block of `dense<layer>`, elements row by row, the bias last. */
function exactUpdate(net: Network, batch: SupervisedBatch, layer: number, damping: number): Float64Array {
  const units = (output: tf.Tensor): tf.Tensor[] =>
    tf.unstack(tf.eye(output.shape[1]!)).map((unit) => tf.mul(unit, tf.onesLike(output)));
  const { matrix, side } = gaussNewtonBlock(net, batch, `dense${layer}/kernel`, units);
  const inverted = inverse(matrix, side, { damping });
  const g = tf.tidy(() => {
    const { grads } = tf.variableGrads(() => net.objective.loss(net.objective.predict(batch, true), batch));
    return net.variables
      .filter(({ name }) => name.includes(`dense${layer}/`))
      .flatMap(({ name }) => [...grads[name]!.dataSync()]);
  });
  return Float64Array.from({ length: side }, (_, i) =>
    g.reduce((sum, value, j) => sum + inverted[i * side + j]! * value, 0),
  );
}

describe('KFAC is the Gauss–Newton block where its assumptions hold', () => {
  it('in every layer of a deep linear network with squared error, with exact damping', () => {
    const net = network({ sizes: [3, 4, 3, 2], activation: (x) => x });
    const batch = batchOf(6, 3, 2);
    const expected = [1, 2, 3].map((layer) => exactUpdate(net, batch, layer, 0.1));
    const update = firstUpdate(net, batch, { fisher: 'exact', dampingForm: 'exact', damping: 0.1 });
    for (const [i, exact] of expected.entries()) {
      const ours = [...update.get(`dense${i + 1}/kernel`)!, ...update.get(`dense${i + 1}/bias`)!];
      expect(relativeError(ours, exact)).toBeLessThan(1e-4);
    }
    release(batch);
    net.dispose();
  });

  it('for a batch of one example, whatever the network', () => {
    const net = network({ sizes: [3, 4, 2] });
    const batch = batchOf(1, 3, 2);
    const expected = [1, 2].map((layer) => exactUpdate(net, batch, layer, 0.1));
    const update = firstUpdate(net, batch, { fisher: 'exact', dampingForm: 'exact', damping: 0.1 });
    for (const [i, exact] of expected.entries()) {
      const ours = [...update.get(`dense${i + 1}/kernel`)!, ...update.get(`dense${i + 1}/bias`)!];
      expect(relativeError(ours, exact)).toBeLessThan(1e-4);
    }
    release(batch);
    net.dispose();
  });
});

describe('Kfac', () => {
  it('the sampled Fisher tends to the exact one as samples grow', () => {
    const gOf = (options: KfacOptions): Float32Array => {
      const net = network({ sizes: [3, 4, 3], loss: 'softmax-cross-entropy' });
      const batch = classes(8, 3, 3);
      const optimizer = new Kfac(net.objective, options);
      optimizer.step(batch);
      const { tensors } = optimizer.state();
      const [name] = Object.keys(tensors).filter((key) => key.endsWith('dense1/kernel/G'));
      const values = tensors[name!]!.dataSync().slice();
      optimizer.dispose();
      release(batch);
      net.dispose();
      return values as Float32Array;
    };
    const exact = gOf({ fisher: 'exact' });
    const errors = [1, 16, 256].map((samples) => relativeError(gOf({ samples, seed: 4 }), exact));
    // The error of a mean falls like 1/√samples: fourfold each time; half of that is asked for.
    expect(errors[1]).toBeLessThan(errors[0]! / 2);
    expect(errors[2]).toBeLessThan(errors[1]! / 2);
    expect(errors[2]).toBeLessThan(0.05);
  });

  it('KL clip: η² ⟨U, g⟩ = κ after it, and nothing happens below κ', () => {
    const product = (klClip: number | false): { moved: number; clipped: number } => {
      const net = network({ sizes: [3, 2] });
      const batch = batchOf(5, 3, 2);
      const g = tf.tidy(() => {
        const { grads } = tf.variableGrads(() =>
          net.objective.loss(net.objective.predict(batch, true), batch),
        );
        return net.variables.flatMap(({ name }) => [...grads[name]!.dataSync()]);
      });
      const before = weights(net);
      const optimizer = new Kfac(net.objective, { learningRate: 0.1, momentum: 0, klClip, fisher: 'exact' });
      optimizer.step(batch);
      const after = weights(net);
      // η² ⟨νU, g⟩ with θ − θ′ = η ν U.
      const clipped = 0.1 * before.reduce((sum, value, i) => sum + (value - after[i]!) * g[i]!, 0);
      optimizer.dispose();
      release(batch);
      net.dispose();
      return { moved: before.reduce((sum, value, i) => sum + Math.abs(value - after[i]!), 0), clipped };
    };
    const free = product(false);
    const kappa = free.clipped / 16;
    // ν = √(κ/(η²⟨U,g⟩)) = 1/4, so η²⟨νU, g⟩ = ν · 16κ = 4κ and θ moves a quarter as far.
    const bound = product(kappa);
    expect(bound.clipped / (4 * kappa)).toBeCloseTo(1, 3);
    expect(bound.moved / free.moved).toBeCloseTo(0.25, 3);
    expect(product(2 * free.clipped)).toEqual(free);
  });

  it('is deterministic, leaks nothing, and goes on from a checkpoint bit for bit, prepared or not', async () => {
    const batches = [1, 2, 3].map((seed) => classes(8, 3, 3, seed * 10));
    const options: KfacOptions = {
      damping: 0.01,
      inverseInterval: 2,
      levenbergMarquardt: { interval: 2 },
      seed: 3,
    };
    const run = async (prepare: boolean, resumeAt?: number): Promise<number[]> => {
      const net = network({ sizes: [3, 4, 3], loss: 'softmax-cross-entropy' });
      let optimizer = new Kfac(net.objective, options);
      for (let step = 0; step < 7; step++) {
        if (step === resumeAt) {
          const next = new Kfac(net.objective, options);
          next.restore(optimizer.state());
          optimizer.dispose();
          optimizer = next;
        }
        const batch = batches[step % 3]!;
        if (prepare) await optimizer.prepare(batch);
        optimizer.step(batch);
      }
      const result = [...weights(net), optimizer.damping];
      optimizer.dispose();
      net.dispose();
      return result;
    };
    const plain = await run(false);
    expect(plain.every(Number.isFinite)).toBe(true);
    for (const other of [
      await run(false),
      await run(true),
      await run(false, 3),
      await run(true, 4),
      await run(true, 0),
    ])
      expect(other).toEqual(plain);
    expect(await leaked(() => run(true, 3))).toBe(0);
    batches.forEach(release);
  });

  it('micro-batches of equal size make the step of the whole batch', () => {
    const whole = batchOf(8, 3, 2);
    const halves = [0, 4].map((from) => ({
      inputs: tf.slice(whole.inputs, [from, 0], [4, 3]),
      targets: tf.slice(whole.targets, [from, 0], [4, 2]),
    }));
    const after = [whole, { microBatches: halves }].map((batch) => {
      const net = network({ sizes: [3, 4, 2] });
      const optimizer = new Kfac(net.objective, { fisher: 'exact' });
      optimizer.step(batch);
      const result = weights(net);
      optimizer.dispose();
      net.dispose();
      return result;
    });
    expect(relativeError(after[1]!, after[0]!)).toBeLessThan(1e-5);
    [whole, ...halves].forEach(release);
  });

  it('weight decay is part of the gradient', () => {
    const batch = batchOf(5, 3, 2);
    const change = (options: KfacOptions): Map<string, Float32Array> => {
      const net = network({ sizes: [3, 2] });
      const update = firstUpdate(net, batch, { fisher: 'exact', dampingForm: 'exact', ...options });
      net.dispose();
      return update;
    };
    const net = network({ sizes: [3, 2] });
    const [plain, decayed] = [change({ damping: 1e6 }), change({ damping: 1e6, weightDecay: 0.5 })];
    // With a huge λ, U = (g + 0.5 θ)/λ.
    const kernel = net.variables[0]!.dataSync();
    decayed.get('dense1/kernel')!.forEach((value, i) => {
      expect((value - plain.get('dense1/kernel')![i]!) * 1e6).toBeCloseTo(0.5 * kernel[i]!, 1);
    });
    release(batch);
    net.dispose();
  });

  it('Levenberg–Marquardt: λ falls where the model is right', () => {
    const net = network({ sizes: [3, 2] });
    const batch = batchOf(20, 3, 2);
    // One linear layer with squared error: the quadratic model is the loss itself.
    const optimizer = new Kfac(net.objective, {
      fisher: 'exact',
      dampingForm: 'exact',
      learningRate: 0.5,
      klClip: false,
      momentum: 0,
      damping: 0.1,
      inverseInterval: 1,
      levenbergMarquardt: { interval: 1, factor: 2 },
    });
    optimizer.step(batch);
    expect(optimizer.damping).toBe(0.1);
    optimizer.step(batch);
    expect(optimizer.damping).toBe(0.05);
    optimizer.dispose();
    release(batch);
    net.dispose();
  });

  it('reports the partition once, as a table', () => {
    const net = network({ sizes: [3, 4, 2] });
    const batch = batchOf(5, 3, 2);
    const told: PartitionRow[][] = [];
    const optimizer = new Kfac(net.objective, { onPartition: (rows) => void told.push([...rows]) });
    expect(optimizer.partition).toEqual([]);
    optimizer.step(batch);
    optimizer.step(batch);
    expect(told).toHaveLength(1);
    expect(told[0]!.map(({ block, parameters }) => [block, parameters])).toEqual([
      ['Kronecker 4 × 4', 16],
      ['Kronecker 5 × 2', 10],
    ]);
    expect(formatPartition(told[0]!)).toMatch(
      /dense1\/kernel \+ .*dense1\/bias {2}dense {2}Kronecker 4 × 4 {2}16/,
    );
    optimizer.dispose();
    release(batch);
    net.dispose();
  });
});

import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adam, createObjective, momentum, RuleOptimizer } from '@apo/core';
import type { Objective, Optimizer } from '@apo/core';
import { eigh } from '../linalg/eigh.js';
import { leaked, relativeError } from '../testing/evidence.js';
import { network, normal } from '../testing/networks.js';
import { Shampoo } from './shampoo.js';
import type { ShampooOptions } from './shampoo-options.js';
import { assemble, axisStatistics, blockRanges, cut, multiplyAxes } from './tensor-block.js';

let instances = 0;

/** J = ⟨c, θ⟩, whose gradient is the batch c. */
function linear(shape: number[]): { theta: tf.Variable; objective: Objective<tf.Tensor> } {
  const theta = tf.tidy(() => tf.variable(tf.zeros(shape), true, `shampoo${instances++}/theta`));
  const objective = createObjective<tf.Tensor>({
    variables: [theta],
    predict: () => theta,
    loss: (output, batch) => tf.sum(tf.mul(output as tf.Tensor, batch)),
  });
  return { theta, objective };
}

/** Updates U of the successive gradients. */
function updates(gradients: tf.Tensor[], options: ShampooOptions): number[][] {
  const { theta, objective } = linear(gradients[0]!.shape);
  const optimizer = new Shampoo(objective, {
    learningRate: 1,
    momentum: 0,
    grafting: 'none',
    rootInterval: 1,
    ...options,
  });
  let before = [...theta.dataSync()];
  const result = gradients.map((gradient) => {
    optimizer.step(gradient);
    const after = [...theta.dataSync()];
    const update = before.map((value, i) => value - after[i]!);
    before = after;
    return update;
  });
  optimizer.dispose();
  tf.dispose([theta, gradients]);
  return result;
}

describe('tensor blocks', () => {
  it('blocks cover a tensor of any order once, in the order that assembles it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 6 }),
        (shape, maxBlockSize) => {
          tf.tidy(() => {
            const tensor = normal(shape, 3);
            const ranges = blockRanges(shape, maxBlockSize);
            for (const { size } of ranges) expect(Math.max(...size)).toBeLessThanOrEqual(maxBlockSize);
            const again = assemble(
              ranges.map((range) => cut(tensor, range)),
              shape,
              maxBlockSize,
            );
            expect([...again.dataSync()]).toEqual([...tensor.dataSync()]);
          });
        },
      ),
      { numRuns: 30 },
    );
  });

  it('statistics and products along each axis of a tensor of order 3, against index loops', () => {
    tf.tidy(() => {
      const [shape, g] = [[2, 3, 2] as const, normal([2, 3, 2], 1)];
      const at = (data: ArrayLike<number>, i: number, j: number, k: number): number =>
        data[(i * 3 + j) * 2 + k]!;
      const data = g.dataSync();
      const statistics = axisStatistics(g).map((s) => s.dataSync());
      let expected = 0;
      for (let i = 0; i < 2; i++)
        for (let k = 0; k < 2; k++) expected += at(data, i, 0, k) * at(data, i, 2, k);
      expect(statistics[1]![0 * 3 + 2]).toBeCloseTo(expected, 5);
      const roots = shape.map((side, axis) => normal([side, side], 10 + axis));
      const [a, b, c] = roots.map((root) => root.dataSync());
      const product = multiplyAxes(g, roots).dataSync();
      for (let i = 0; i < 2; i++)
        for (let j = 0; j < 3; j++)
          for (let k = 0; k < 2; k++) {
            let sum = 0;
            for (let p = 0; p < 2; p++)
              for (let q = 0; q < 3; q++)
                for (let r = 0; r < 2; r++)
                  sum += a![2 * i + p]! * b![3 * j + q]! * c![2 * k + r]! * at(data, p, q, r);
            expect(at(product, i, j, k)).toBeCloseTo(sum, 4);
          }
    });
  });
});

describe('Shampoo', () => {
  it('golden: gradients [[1, 0]] then [[0, 1]], β₂ = 1', () => {
    const [, second] = updates([tf.tensor2d([[1, 0]]), tf.tensor2d([[0, 1]])], { epsilon: 1e-9 });
    expect(second![0]).toBeCloseTo(0, 6);
    expect(second![1]).toBeCloseTo(2 ** -0.25, 6);
  });

  it('order 1 is full-matrix AdaGrad: (Σ g gᵀ)^(−1/2) g', () => {
    const gradients = [
      [1, 2],
      [3, -1],
    ];
    const [, second] = updates(
      gradients.map((g) => tf.tensor1d(g)),
      { epsilon: 1e-9 },
    );
    // Σ g gᵀ = [[10, −1], [−1, 5]].
    const { values, vectors } = eigh(Float64Array.from([10, -1, -1, 5]), 2);
    const expected = [0, 1].map((i) =>
      [0, 1].reduce((sum, k) => {
        const projected = vectors[k]! * 3 + vectors[2 + k]! * -1;
        return sum + (vectors[2 * i + k]! * projected) / Math.sqrt(values[k]!);
      }, 0),
    );
    expect(relativeError(second!, expected)).toBeLessThan(1e-5);
  });

  it('both ways to a root give the same update, on rank-deficient statistics too, and blocks are independent', () => {
    const gradients = (): tf.Tensor[] => [normal([5, 3], 1), normal([5, 3], 2)];
    const byEigen = updates(gradients(), { epsilon: 1e-4 });
    const byNewton = updates(gradients(), { epsilon: 1e-4, rootMethod: 'newton' });
    byEigen.forEach((update, i) => expect(relativeError(byNewton[i]!, update)).toBeLessThan(1e-4));
    // A block is a tensor of its own.
    const blocked = updates(gradients(), { epsilon: 1e-4, maxBlockSize: 3 })[1]!;
    const top = updates(
      gradients().map((g) => {
        const part = tf.slice(g, [0, 0], [3, 3]);
        g.dispose();
        return part;
      }),
      { epsilon: 1e-4 },
    )[1]!;
    expect(relativeError(blocked.slice(0, 9), top)).toBeLessThan(1e-5);
  });

  it('an average of equal statistics is that statistic: β₂ < 1 has no bias', () => {
    const gradients = (): tf.Tensor[] => [1, 1, 1].map(() => normal([3, 2], 1));
    const averaged = updates(gradients(), { beta2: 0.7 });
    expect(relativeError(averaged[2]!, averaged[0]!)).toBeLessThan(1e-4);
    // Sums grow like t, so that the update shrinks like (t^(−1/4))² = t^(−1/2).
    const summed = updates(gradients(), { beta2: 1 });
    expect(
      relativeError(
        summed[2]!,
        summed[0]!.map((value) => value / Math.sqrt(3)),
      ),
    ).toBeLessThan(1e-4);
  });

  it('a given root exponent replaces 2 · order, and grafting keeps the length of the grafted step', () => {
    const [one] = updates([normal([3, 2], 1)], { rootExponent: 2, epsilon: 1e-3 });
    const [two] = updates([normal([3, 2], 1)], { epsilon: 1e-3 });
    expect(relativeError(one!, two!)).toBeGreaterThan(0.1);
    const [grafted] = updates([normal([3, 2], 1)], { grafting: 'sgd', epsilon: 1e-3 });
    const norm = (values: ArrayLike<number>): number => Math.hypot(...Array.from(values));
    const gradient = normal([3, 2], 1);
    expect(norm(grafted!) / norm(gradient.dataSync())).toBeCloseTo(1, 5);
    // Grafting changes the length alone.
    expect(
      relativeError(
        grafted!.map((v) => v / norm(grafted!)),
        two!.map((v) => v / norm(two!)),
      ),
    ).toBeLessThan(1e-5);
    gradient.dispose();
  });
});

describe('Shampoo as an optimizer', () => {
  const make = (): {
    net: ReturnType<typeof network>;
    batches: { inputs: tf.Tensor; targets: tf.Tensor }[];
  } => ({
    net: network({ sizes: [3, 5, 2] }),
    batches: [1, 2, 3].map((seed) => ({ inputs: normal([6, 3], seed), targets: normal([6, 2], seed + 10) })),
  });

  function trained(
    build: (
      objective: ReturnType<typeof network>['objective'],
    ) => Optimizer<{ inputs: tf.Tensor; targets: tf.Tensor }>,
    steps = 6,
  ): number[] {
    const { net, batches } = make();
    const optimizer = build(net.objective);
    for (let step = 0; step < steps; step++) optimizer.step(batches[step % 3]!);
    const result = net.variables.flatMap((variable) => [...variable.dataSync()]);
    optimizer.dispose();
    net.dispose();
    tf.dispose(batches.map(({ inputs, targets }) => [inputs, targets]));
    return result;
  }

  it('with startStep = ∞ it is the grafted method: momentum, and Adam', () => {
    // Equal but for the order of roundings.
    const sgd = trained((o) => new Shampoo(o, { startStep: Infinity, learningRate: 0.05 }));
    const expected = trained((o) => new RuleOptimizer(o, momentum({ learningRate: 0.05, momentum: 0.9 })));
    expect(relativeError(sgd, expected)).toBeLessThan(1e-6);
    const ours = trained(
      (o) => new Shampoo(o, { startStep: Infinity, learningRate: 0.05, grafting: 'adam' }),
    );
    expect(
      relativeError(
        ours,
        trained((o) => new RuleOptimizer(o, adam({ learningRate: 0.05 }))),
      ),
    ).toBeLessThan(1e-5);
  });

  it('before startStep it moves as the grafted method, from then on it does not', () => {
    const late = (steps: number): number[] =>
      trained((o) => new Shampoo(o, { startStep: 4, learningRate: 0.05 }), steps);
    const grafted = (steps: number): number[] =>
      trained((o) => new Shampoo(o, { startStep: Infinity, learningRate: 0.05 }), steps);
    expect(late(3)).toEqual(grafted(3));
    expect(relativeError(late(4), grafted(4))).toBeGreaterThan(1e-4);
  });

  it('is deterministic, leaks nothing, and goes on from a checkpoint bit for bit, prepared or not', async () => {
    const options: ShampooOptions = {
      rootInterval: 2,
      grafting: 'adam',
      momentum: 0.5,
      maxBlockSize: 4,
      beta2: 0.9,
    };
    const run = async (prepare: boolean, resumeAt?: number): Promise<number[]> => {
      const { net, batches } = make();
      let optimizer = new Shampoo(net.objective, options);
      for (let step = 0; step < 5; step++) {
        if (step === resumeAt) {
          const next = new Shampoo(net.objective, options);
          next.restore(optimizer.state());
          optimizer.dispose();
          optimizer = next;
        }
        const batch = batches[step % 3]!;
        if (prepare) await optimizer.prepare(batch);
        optimizer.step(batch);
      }
      const result = net.variables.flatMap((variable) => [...variable.dataSync()]);
      optimizer.dispose();
      net.dispose();
      tf.dispose(batches.map(({ inputs, targets }) => [inputs, targets]));
      return result;
    };
    const plain = await run(false);
    expect(plain.every(Number.isFinite)).toBe(true);
    for (const other of [await run(false), await run(true), await run(false, 3), await run(true, 2)])
      expect(other).toEqual(plain);
    expect(await leaked(() => run(true, 3))).toBe(0);
  });

  it('a gradient that is not finite leaves all as it was, raises ε and is named', async () => {
    const { net, batches } = make();
    const poisoned = { inputs: tf.fill([6, 3], NaN), targets: batches[0]!.targets };
    const optimizer = new Shampoo(net.objective, { rootInterval: 2, grafting: 'adam' });
    optimizer.step(batches[0]!);
    const snapshot = (): number[][] =>
      [
        ...net.variables,
        ...Object.entries(optimizer.state().tensors)
          .filter(([n]) => n.includes('/'))
          .map(([, t]) => t),
      ].map((tensor) => [...tensor.dataSync()]);
    const before = snapshot();
    optimizer.step(poisoned);
    expect(snapshot()).toEqual(before);
    expect((await optimizer.statistics()).rejected).toBe(1);
    expect(() => optimizer.step(batches[1]!)).toThrow(/dense1\/kernel.* was not finite in an earlier step/);
    expect(() => optimizer.step(poisoned)).toThrow(/is not finite in this step.*epsilon is now 0\.000100/);
    expect(snapshot()).toEqual(before);
    optimizer.step(batches[1]!);
    expect(snapshot()).not.toEqual(before);
    optimizer.dispose();
    net.dispose();
    tf.dispose([poisoned.inputs, ...batches.flatMap(({ inputs, targets }) => [inputs, targets])]);
  });

  it('refuses options out of range', () => {
    const { theta, objective } = linear([2]);
    const refused = (options: ShampooOptions, message: RegExp): void =>
      expect(() => new Shampoo(objective, options)).toThrow(message);
    refused({ epsilon: 0 }, /epsilon is 0/);
    refused({ maxBlockSize: 0 }, /maxBlockSize is 0/);
    refused({ rootInterval: 0 }, /rootInterval is 0/);
    refused({ statisticsInterval: 0.5 }, /statisticsInterval is 0.5/);
    refused({ startStep: 0 }, /startStep is 0/);
    refused({ beta2: 0 }, /beta2 is 0/);
    refused({ rootExponent: 1.5 }, /rootExponent is 1.5/);
    refused({ grafting: 'lamb' as 'adam' }, /grafting is "lamb"/);
    refused({ rootMethod: 'svd' as 'eigen' }, /rootMethod is "svd"/);
    theta.dispose();
  });
});

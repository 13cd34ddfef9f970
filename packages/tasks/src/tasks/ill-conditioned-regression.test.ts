import * as tf from '@tensorflow/tfjs-core';
import { createRandom } from '@apo/core';
import type { SupervisedBatch } from '@apo/core';
import { describe, expect, it } from 'vitest';
import { logSpacedSingularValues, matrixWithSingularValues, orthonormalVectors } from '../data/orthogonal.js';
import { illConditionedRegression } from './ill-conditioned-regression.js';
import type { TaskInstance } from './task.js';

const singularValues = logSpacedSingularValues(6, 1e10);

/** Sets W₁ = diag(s) Vᵀ and W₂ = U, where A = U diag(σ) Vᵀ is the matrix of seed 0. */
function setFactors({ variables }: TaskInstance<SupervisedBatch>, s: readonly number[]): void {
  const random = createRandom(0);
  const left = orthonormalVectors(6, 10, random);
  const right = orthonormalVectors(6, 6, random);
  tf.tidy(() => {
    // Kernels are transposed: [inputs, hidden] and [hidden, outputs].
    variables[0]!.assign(tf.tensor2d(right[0]!.map((_, j) => s.map((value, k) => value * right[k]![j]!))));
    variables[1]!.assign(tf.tensor2d(left));
  });
}

async function batchLoss(task: TaskInstance<SupervisedBatch>, batchSize: number): Promise<number> {
  const source = task.trainSource(3, batchSize);
  const batch = await source.next();
  const loss = tf.tidy(() => task.objective.loss(task.objective.predict(batch, true), batch));
  const [value] = await loss.data();
  loss.dispose();
  source.release(batch);
  return value!;
}

describe('ill-conditioned-regression', () => {
  it('is a network 6-6-10 without biases', async () => {
    const task = await illConditionedRegression.load();
    expect(task.variables.map(({ name, shape }) => [name, shape])).toEqual([
      ['dense1/kernel', [6, 6]],
      ['dense2/kernel', [6, 10]],
    ]);
    task.dispose();
  });

  it('evaluates the expectation: ½ Σσ² at W = 0, ½ σᵢ² for each direction that is missing', async () => {
    const task = await illConditionedRegression.load();
    setFactors(task, [0, 0, 0, 0, 0, 0]);
    expect((await task.evaluate('train')).loss).toBeCloseTo((1 + 1e-4 + 1e-8) / 2, 7);
    for (const missing of [1, 2, 3]) {
      setFactors(
        task,
        singularValues.map((value, i) => (i === missing ? 0 : value)),
      );
      const { loss, metrics } = await task.evaluate('test');
      const expected = singularValues[missing]! ** 2 / 2;
      // Rounding the factors to float32 adds some 1e−15 (see below).
      expect(Math.abs(loss - expected)).toBeLessThan(0.01 * expected + 1e-14);
      expect(metrics!['meanSquaredError']).toBeCloseTo(loss / 5, 20);
    }
    task.dispose();
  });

  it('trains on that expectation: a batch of 20,000 comes within its scatter', async () => {
    const task = await illConditionedRegression.load({ seed: 5 });
    const { loss } = await task.evaluate('train');
    // The mean of 20,000 losses, whose deviation is about √(2/3) … √2 of their mean: within 5 %.
    expect(Math.abs((await batchLoss(task, 20_000)) / loss - 1)).toBeLessThan(0.05);
    task.dispose();
  });

  it('has a floor in float32: the exact factors leave less than 2e−14, and σ = 1e−6 is far above it', async () => {
    const task = await illConditionedRegression.load();
    setFactors(task, singularValues);
    // Ten outputs of rms .3, each off by about one rounding of 6e−8: ½ · 10 · (.3 · 6e−8)² = 2e−15; three roundings, 1.5e−14.
    const floor = await batchLoss(task, 1000);
    expect(floor).toBeGreaterThan(0);
    expect(floor).toBeLessThan(2e-14);
    expect((await task.evaluate('train')).loss).toBeLessThan(2e-14);
    setFactors(
      task,
      singularValues.map((value, i) => (i === 3 ? 0 : value)),
    );
    // Missing it costs ½ · 1e−12 on top.
    expect(await batchLoss(task, 1000)).toBeGreaterThan(4e-13);
    task.dispose();
  });

  it('has the gradient that differences of the float64 expectation give', async () => {
    const task = await illConditionedRegression.load({ seed: 2 });
    const source = task.trainSource(1, 50);
    const batch = await source.next();
    const { value, grads } = tf.variableGrads(
      () => task.objective.loss(task.objective.predict(batch, true), batch),
      [...task.variables],
    );
    const [x, y] = await Promise.all([batch.inputs.data(), batch.targets.data()]);
    const [first, second] = await Promise.all(task.variables.map((v) => v.data<'float32'>()));
    const exact = (w1: ArrayLike<number>, w2: ArrayLike<number>): number => {
      let sum = 0;
      for (let e = 0; e < 50; e++) {
        const hidden = Array.from({ length: 6 }, (_, k) =>
          [0, 1, 2, 3, 4, 5].reduce((h, j) => h + x[6 * e + j]! * w1[6 * j + k]!, 0),
        );
        for (let i = 0; i < 10; i++) {
          const f = hidden.reduce((total, h, k) => total + h * w2[10 * k + i]!, 0);
          sum += (f - y[10 * e + i]!) ** 2;
        }
      }
      return sum / 100;
    };
    const bump = (w: Float32Array, k: number, offset: number): number[] =>
      Array.from(w, (weight, i) => (i === k ? weight + offset : weight));
    const h = 1e-4;
    const g1 = await grads['dense1/kernel']!.data();
    const g2 = await grads['dense2/kernel']!.data();
    g1.forEach((g, k) => {
      const slope = (exact(bump(first!, k, h), second!) - exact(bump(first!, k, -h), second!)) / (2 * h);
      expect(g).toBeCloseTo(slope, 5);
    });
    g2.forEach((g, k) => {
      const slope = (exact(first!, bump(second!, k, h)) - exact(first!, bump(second!, k, -h))) / (2 * h);
      expect(g).toBeCloseTo(slope, 5);
    });
    tf.dispose([value, grads]);
    source.release(batch);
    task.dispose();
  });

  it('changes the matrix with its own seed and condition, the weights with theirs, and leaks nothing', async () => {
    const before = tf.memory().numTensors;
    const measure = async (options: object): Promise<number> => {
      const task = await illConditionedRegression.load(options);
      const { loss } = await task.evaluate('train');
      task.dispose();
      return loss;
    };
    const base = await measure({});
    expect(await measure({ seed: 0, matrixSeed: 0, condition: 1e10 })).toBe(base);
    expect(await measure({ seed: 1 })).not.toBe(base);
    expect(await measure({ matrixSeed: 1 })).not.toBe(base);
    expect(await measure({ condition: 10 })).not.toBe(base);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('has the matrix of its seed: the targets of a batch are A x', async () => {
    const task = await illConditionedRegression.load();
    const matrix = matrixWithSingularValues(10, 6, singularValues, createRandom(0));
    const source = task.trainSource(0, 1);
    const { inputs, targets } = await source.next();
    const x = await inputs.data();
    const expected = matrix.map((row) => Math.fround(row.reduce((sum, a, j) => sum + a * x[j]!, 0)));
    expect([...(await targets.data())]).toEqual(expected);
    source.release({ inputs, targets });
    task.dispose();
  });

  it.each([
    [{ condition: 0.5 }, /condition is 0.5/],
    [{ condition: NaN }, /condition is NaN/],
    [{ matrixSeed: 0.5 }, /seed is 0.5/],
    [{ seed: 0.5 }, /seed is 0.5/],
  ])('refuses %o', async (options, message) => {
    const before = tf.memory().numTensors;
    await expect(illConditionedRegression.load(options)).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses a limit below 1', async () => {
    const task = await illConditionedRegression.load();
    await expect(task.evaluate('train', 0)).rejects.toThrow(/limit is 0/);
    task.dispose();
  });
});

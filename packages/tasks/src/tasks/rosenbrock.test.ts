import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { rosenbrock } from './rosenbrock.js';
import type { NoBatch } from './rosenbrock.js';
import type { TaskInstance } from './task.js';

const batch: NoBatch = {};

function lossOf({ objective }: TaskInstance<NoBatch>): tf.Scalar {
  return objective.loss(objective.predict(batch, true), batch);
}

describe('rosenbrock', () => {
  it('starts at (1, −1.5), where f = 100 · 2.5² = 625', async () => {
    const task = await rosenbrock.load();
    expect(await task.variables[0]!.data()).toEqual(Float32Array.of(1, -1.5));
    expect(await task.evaluate('train')).toEqual({ loss: 625, examples: 1 });
    task.dispose();
  });

  it('is zero at (1, 1), and 1 at the origin', async () => {
    for (const [start, loss] of [
      [[1, 1], 0],
      [[0, 0], 1],
    ] as const) {
      const task = await rosenbrock.load({ start });
      expect((await task.evaluate('test', 5)).loss).toBe(loss);
      task.dispose();
    }
  });

  it('has the residuals (1 − x, 10 (y − x²)), their squared difference as divergence, and the known gradient', async () => {
    // At (−1, 2): r = (2, 10), f = 104; ∂f/∂x = −2(1 − x) − 400x(y − x²) = −4 + 400 = 396, ∂f/∂y = 200(y − x²) = 200.
    const task = await rosenbrock.load({ start: [-1, 2] });
    const before = tf.memory().numTensors;
    const outputs = task.objective.predict(batch, true) as tf.Tensor;
    expect(outputs.arraySync()).toEqual([[2, 10]]);
    const origin = tf.zerosLike(outputs);
    const rho = task.objective.divergence(origin, outputs);
    expect(rho.dataSync()[0]).toBe(52);
    const { value, grads } = tf.variableGrads(() => lossOf(task), [...task.variables]);
    expect(value.dataSync()[0]).toBe(104);
    expect([...grads['theta']!.dataSync()]).toEqual([396, 200]);
    tf.dispose([outputs, origin, rho, value, grads]);
    expect(tf.memory().numTensors).toBe(before);
    task.dispose();
  });

  it('gradient descent at 2e−3 for 10,000 steps ends at 9.4e−9, in float32 within 10 % of float64', async () => {
    let [x, y] = [1, -1.5];
    for (let step = 0; step < 10_000; step++) {
      const gap = y - x * x;
      [x, y] = [x + 2e-3 * (2 * (1 - x) + 400 * x * gap), y - 2e-3 * 200 * gap];
    }
    const exact = (1 - x) ** 2 + 100 * (y - x * x) ** 2;
    expect(exact).toBeGreaterThan(9.35e-9);
    expect(exact).toBeLessThan(9.45e-9);

    const task = await rosenbrock.load();
    const [theta] = task.variables;
    for (let step = 0; step < 10_000; step++) {
      tf.tidy(() => {
        const { grads } = tf.variableGrads(() => lossOf(task), [theta!]);
        theta!.assign(tf.sub(theta!, tf.mul(grads['theta']!, 2e-3)));
      });
    }
    const { loss } = await task.evaluate('train');
    expect(Math.abs(loss / exact - 1)).toBeLessThan(0.1);
    task.dispose();
  });

  it('has an endless source of nothing', async () => {
    const task = await rosenbrock.load();
    const source = task.trainSource(0);
    expect(source.batchesPerEpoch).toBe(Infinity);
    const given = await source.next();
    expect(given).toEqual({});
    source.release(given);
    source.restore(source.state());
    task.dispose();
  });

  it('refuses a bad start, a bad limit and a name that is taken, and leaks nothing', async () => {
    const before = tf.memory().numTensors;
    await expect(rosenbrock.load({ start: [NaN, 0] })).rejects.toThrow(/coordinate of start is NaN/);
    const task = await rosenbrock.load();
    await expect(task.evaluate('train', 0)).rejects.toThrow(/limit is 0/);
    await expect(rosenbrock.load()).rejects.toThrow(/"theta" already exists/);
    const other = await rosenbrock.load({ name: 'second' });
    expect(other.variables[0]?.name).toBe('second/theta');
    other.dispose();
    task.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

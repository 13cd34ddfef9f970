import * as tf from '@tensorflow/tfjs-core';
import { pooledImages } from '@apo/tasks';
import { beforeAll, describe, expect, it } from 'vitest';
import { createContender } from './contenders.js';
import type { Matrix } from './contract.js';
import { readMatrices } from './matrices.js';
import { layerOf } from './networks.js';
import { codec } from './settings.js';
import type { RunSettings } from './settings.js';
import { useWasm } from './testing/engine.js';
import { digitImages } from './testing/images.js';

beforeAll(useWasm);

const images = digitImages(100, 20);
const rows = { train: pooledImages(images.train, 2), test: pooledImages(images.test, 2) };
let prefixes = 0;

/** A contender of the preconditioner, and batches for it. */
function contender(changes: Partial<RunSettings>) {
  const settings: RunSettings = { ...codec.defaults, batch: 20, adaptation: 0.01, ...changes };
  const prefix = `matrices${++prefixes}`;
  const parts = createContender('apo', prefix, settings, rows);
  const source = parts.task.trainSource(0);
  return {
    ...parts,
    prefix,
    settings,
    next: async () => source.next(),
    dispose() {
      parts.optimizer.dispose();
      parts.task.dispose();
    },
  };
}

const tensor = ({ values, rows: m, columns: n }: Matrix): tf.Tensor2D => tf.tensor2d(values, [m, n]);

describe('readMatrices', () => {
  it('starts with A = I, B = I, S = 1', async () => {
    const { optimizer, prefix, dispose } = contender({});
    const { A, B, S, step } = await readMatrices(optimizer, prefix, 2);
    expect(step).toBe(0);
    expect([A, B, S].map(({ rows: m, columns: n }) => [m, n])).toEqual([
      [16, 16],
      [65, 65],
      [65, 16],
    ]);
    const identity = (size: number) =>
      Float32Array.from({ length: size ** 2 }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
    expect(A.values).toEqual(identity(16));
    expect(B.values).toEqual(identity(65));
    expect(S.values).toEqual(new Float32Array(65 * 16).fill(1));
    dispose();
  });

  it.each<Partial<RunSettings>>([
    { form: 'full', scale: 'layer' },
    { form: 'full', scale: 'global' },
    { form: 'low-rank', scale: 'layer' },
  ])('they and η are the step that is taken: θ − θ′ = η B (S² ⊙ BᵀGA) Aᵀ, %o', async (changes) => {
    const { optimizer, task, model, prefix, settings, next, dispose } = contender(changes);
    for (let i = 0; i < 4; i++) {
      const batch = await next();
      optimizer.step(batch);
      tf.dispose(batch.inputs);
    }
    const batch = await next();
    const { objective } = task;
    const { number, inputs } = layerOf(settings.network, 2);
    const [kernel, bias] = ['kernel', 'bias'].map((part) =>
      model.variables.find(({ name }) => name === `${prefix}/dense${number}/${part}`)!,
    ) as [tf.Variable, tf.Variable];
    // The layer as one matrix, the bias its last row.
    const asMatrix = (w: tf.Tensor, b: tf.Tensor): tf.Tensor2D =>
      tf.concat2d([w as tf.Tensor2D, tf.reshape(b, [1, -1])], 0);
    const [G, before] = tf.tidy((): [tf.Tensor2D, tf.Tensor2D] => {
      const { grads } = tf.variableGrads(
        () => tf.add(objective.loss(objective.predict(batch, true), batch), objective.regularizer!()),
        [kernel, bias],
      );
      return [asMatrix(grads[kernel.name]!, grads[bias.name]!), asMatrix(kernel, bias)];
    });
    optimizer.step(batch);
    const { A, B, S, rate } = await readMatrices(optimizer, prefix, number);
    expect(B.rows).toBe(inputs + 1);
    const [moved, expected] = tf.tidy((): [tf.Tensor2D, tf.Tensor2D] => {
      const [a, b, s] = [tensor(A), tensor(B), tensor(S)];
      const R = tf.matMul(tf.matMul(b, G, true), a);
      const U = tf.matMul(tf.matMul(b, tf.mul(tf.square(s), R)), a, false, true);
      return [tf.sub(before, asMatrix(kernel, bias)), tf.mul(U, rate)];
    });
    const [got, wanted] = [await moved.data<'float32'>(), await expected.data<'float32'>()];
    const largest = Math.max(...wanted.map(Math.abs));
    expect(largest).toBeGreaterThan(1e-5);
    // Differences of weights near 0.3 are exact to 3e-8 of float32.
    got.forEach((value, i) => expect(Math.abs(value - wanted[i]!)).toBeLessThan(1e-3 * largest + 6e-8));
    // P has moved, so this was not the step of plain SGD.
    expect(S.values.some((value) => Math.abs(value - 1) > 1e-3)).toBe(true);
    tf.dispose([G, before, moved, expected, batch.inputs]);
    dispose();
  });

  it('leaves no tensor behind', async () => {
    const { optimizer, prefix, dispose } = contender({ form: 'low-rank' });
    const before = tf.memory().numTensors;
    await readMatrices(optimizer, prefix, 1);
    expect(tf.memory().numTensors).toBe(before);
    dispose();
  });
});

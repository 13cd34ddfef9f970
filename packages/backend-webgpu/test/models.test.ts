/** Whole models against the WASM engine: the gradient of every variable, and the losses of fifty steps. */
import { RuleOptimizer, adam, basePass, momentum } from '@apo/core';
import type { UpdateRule } from '@apo/core';
import { wasmBackend } from '@apo/backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { webgpuBackend } from '../src/index.js';
import { titleOf, whyNoWebgpu } from '../src/testing/setup.js';
import { models } from './models.js';
import type { Model } from './models.js';

const missing = await whyNoWebgpu();

const engines = { webgpu: webgpuBackend(), wasm: wasmBackend({ threads: 1 }) };

/** What `body` gives on this engine, with a model and batches of its own; nothing of it is left. */
async function on<T>(
  engine: keyof typeof engines,
  create: () => Model,
  body: (model: Model) => Promise<T>,
): Promise<T> {
  await engines[engine].activate();
  const before = tf.memory().numTensors;
  const model = create();
  const result = await body(model);
  tf.dispose([...model.objective.variables]);
  expect(tf.memory().numTensors).toBe(before);
  return result;
}

async function gradientsOf({ objective, batch }: Model): Promise<Float32Array[]> {
  const one = batch(0);
  const tensors = tf.tidy(() => {
    const { gradients } = basePass(objective, [{ batch: one, seed: 1 }]);
    return objective.variables.map(({ name }) => gradients[name]!);
  });
  const values = await Promise.all(tensors.map((tensor) => tensor.data<'float32'>()));
  tf.dispose([tensors, one.inputs, one.targets]);
  return values;
}

function lossesOf(rule: () => UpdateRule, steps: number): (model: Model) => Promise<number[]> {
  return async ({ objective, batch }) => {
    const optimizer = new RuleOptimizer(objective, rule(), { seed: 1 });
    const losses: tf.Scalar[] = [];
    for (let i = 0; i < steps; i++) {
      const one = batch(i % 4);
      losses.push(optimizer.step(one, undefined, { returnLoss: true })!);
      tf.dispose([one.inputs, one.targets]);
    }
    const values = await Promise.all(losses.map((loss) => loss.data()));
    tf.dispose(losses);
    optimizer.dispose();
    return values.map((value) => value[0]!);
  };
}

describe.skipIf(missing !== undefined).each(Object.entries(models))(`%s${titleOf(missing)}`, (_, create) => {
  test('has the gradients of the WASM engine to 1e-3 of their largest element, and the same bits every time', async () => {
    const own = await on('webgpu', create, gradientsOf);
    expect(await on('webgpu', create, gradientsOf)).toEqual(own);
    const expected = await on('wasm', create, gradientsOf);
    own.forEach((values, i) => {
      const scale = expected[i]!.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expect(scale).toBeGreaterThan(1e-6);
      values.forEach((value, j) => expect(Math.abs(value - expected[i]![j]!)).toBeLessThan(1e-3 * scale));
    });
  });

  test('loses as much as on the WASM engine in each of fifty steps of momentum', async () => {
    const losses = lossesOf(() => momentum({ learningRate: 0.05 }), 50);
    const own = await on('webgpu', create, losses);
    const expected = await on('wasm', create, losses);
    // Roundings of 2⁻²⁴ that grow with the steps; in the first step there is hardly any.
    expect(Math.abs(own[0]! - expected[0]!)).toBeLessThan(1e-5);
    own.forEach((loss, i) => expect(Math.abs(loss - expected[i]!)).toBeLessThan(2e-3 * (1 + expected[i]!)));
    // The four batches repeat, so fifty steps learn something.
    expect(own.slice(-4).reduce((a, b) => a + b)).toBeLessThan(
      0.99 * own.slice(0, 4).reduce((a, b) => a + b),
    );
  });
});

test.skipIf(missing !== undefined)(`Adam, too, follows the WASM engine${titleOf(missing)}`, async () => {
  const losses = lossesOf(() => adam({ learningRate: 0.01 }), 50);
  const own = await on('webgpu', models.MLP, losses);
  const expected = await on('wasm', models.MLP, losses);
  own.forEach((loss, i) => expect(Math.abs(loss - expected[i]!)).toBeLessThan(2e-3 * (1 + expected[i]!)));
});

/** Training with the preconditioner on the wasm engine: with its kernels as without them, always the same bits, and no leaks. */
import { Apo, createRandom } from '@apo/core';
import type { EngineKernelName, Preset } from '@apo/core';
import { precondition } from '@apo/precond';
import type { PreconditionOptions } from '@apo/precond';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { activateBenchEngine } from './activate.js';
import { LocalMeter } from './local-meter.js';
import { dense } from './models/dense.js';
import { benchForms } from './subject.js';

const removed: tf.KernelConfig[] = [];

beforeAll(async () => {
  await activateBenchEngine('wasm', { threads: 2 });
});
afterEach(() => {
  for (const kernel of removed.splice(0)) tf.registerKernel(kernel);
});

function removeKernels(): void {
  for (const name of ['ApoLowRankUpdate', 'ApoLowRankGradient'] satisfies EngineKernelName[]) {
    const kernel = tf.getKernel(name, 'wasm');
    removed.push(kernel);
    tf.unregisterKernel(name, 'wasm');
  }
}

/** Losses of twelve steps with a meta-step in each, on layers with long sides, a side of 10 and folded biases. */
function losses(options: PreconditionOptions, preset: Preset): number[] {
  const before = tf.memory().numTensors;
  const model = dense([50, 70, 40, 10], 'relu', 'softmax-cross-entropy', 16, createRandom(3));
  const rule = precondition({ rank: 4, initialScale: 0.05, learnedScale: 'global', ...options });
  const optimizer = new Apo(model.objective, rule, { preset, interval: 1, warmup: false });
  const seen = Array.from({ length: 12 }, (_, i) => {
    const loss = optimizer.step(model.batches[i % 2]!, model.batches[(i + 1) % 2], { returnLoss: true })!;
    const value = loss.dataSync()[0]!;
    loss.dispose();
    return value;
  });
  optimizer.dispose();
  model.dispose();
  expect(tf.memory().numTensors).toBe(before);
  return seen;
}

const cases: [string, PreconditionOptions, Preset][] = [
  ['low rank, auto', { form: 'low-rank' }, 'auto'],
  ['low rank, paper', { form: 'low-rank' }, 'paper'],
  ['a scale for each layer', { learnedScale: 'layer' }, 'auto'],
  ['weight decay and a bias of its own', { weightDecay: 0.01, foldBias: false }, 'auto'],
  ['diagonal', { form: 'diagonal' }, 'auto'],
];

describe.each(cases)('%s', (_, options, preset) => {
  it('learns as with plain operators, and the same every time', () => {
    const own = losses(options, preset);
    expect(losses(options, preset)).toEqual(own);
    expect(own.at(-1)).toBeLessThan(own[0]!);
    removeKernels();
    const plain = losses(options, preset);
    // Twelve steps whose rounding differs, each step taken by Adam's normalised direction.
    own.forEach((loss, i) => expect(Math.abs(loss - plain[i]!)).toBeLessThan(2e-3 * plain[0]!));
  });
});

it.each(benchForms)('the meter takes steps of the form %s, with and without meta-steps', async (rule) => {
  const before = tf.memory().numTensors;
  const meter = new LocalMeter('wasm');
  for (const meta of [undefined, { preset: 'auto', interval: 2 } as const]) {
    const subject = { model: 'lenet', rule, ...(meta && { meta }) } as const;
    await meter.prepare(subject);
    expect((await meter.measure(subject, { steps: 2, seconds: 0 })).steps).toBe(2);
  }
  await meter.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

it('the published backend has no preconditioner', async () => {
  const meter = new LocalMeter('stock-wasm');
  await expect(meter.prepare({ model: 'lenet', rule: 'low-rank' })).rejects.toThrow('no preconditioner');
  await meter.dispose();
});

/** The program that the page offers runs, on real MNIST, and is the run of the page. */
import * as tf from '@tensorflow/tfjs-core';
import * as wasm from '@apo/backend-wasm';
import * as core from '@apo/core';
import * as tasks from '@apo/tasks';
import * as node from '@apo/tasks/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runSnippet } from '../../testing/run-snippet.js';
import { Race } from './race.js';
import { codec } from './settings.js';
import type { MnistSettings } from './settings.js';
import { snippet } from './snippet.js';

let data: tasks.LabelledSplits;
beforeAll(async () => {
  data = await tasks.loadMnist(node.fileStore({ resolveFrom: [import.meta.url], download: false }));
});
afterAll(() => tf.disposeVariables());

const MODULES = {
  '@apo/core': core,
  '@apo/tasks': tasks,
  '@apo/backend-wasm': wasm,
  '@apo/tasks/node': {
    ...node,
    fileStore: () => node.fileStore({ resolveFrom: [import.meta.url], download: false }),
  },
};

test.each<Partial<MnistSettings>>([
  { model: 'mlp-32', batch: 20, rate: 0.01, seed: 3, steps: 50, threads: 1 },
  {
    model: 'lenet',
    optimizer: 'momentum',
    batch: 16,
    start: 'estimated',
    steps: 25,
    wsd: 0.01,
    k: 5,
    threads: 1,
  },
])('%o', async (changes) => {
  const settings: MnistSettings = { ...codec.defaults, images: '2000', ...changes };
  const printed = await runSnippet(snippet(settings), MODULES);
  tf.disposeVariables();

  const count = Number(settings.images);
  const train = {
    ...data.train,
    inputs: data.train.inputs.subarray(0, 784 * count),
    labels: data.train.labels.subarray(0, count),
  };
  const test = {
    ...data.test,
    inputs: data.test.inputs.subarray(0, 784 * 1000),
    labels: data.test.labels.subarray(0, 1000),
  };
  const race = new Race(settings, { train, test });
  const { losses, metaSteps } = await race.advance(settings.steps);
  const { evaluation } = await race.evaluate();
  race.dispose();

  const lines = printed.filter(([first]) => typeof first === 'number');
  expect(lines.map(([step]) => step)).toEqual(
    Array.from({ length: settings.steps / 25 }, (_, i) => 25 * (i + 1)),
  );
  for (const [step, loss] of lines as number[][]) expect(loss).toBe(losses.tuned[step! - 1]);
  expect(lines.at(-1)![2]).toBeCloseTo(metaSteps.at(-1)!.rate, 6);
  expect(printed.at(-1)).toEqual(['test accuracy', evaluation.accuracy.tuned]);
});

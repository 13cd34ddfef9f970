import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as core from '@apo/core';
import * as precond from '@apo/precond';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { runSnippet } from '../../testing/run-snippet.js';
import { Race } from './race.js';
import { settingsCodec } from './settings.js';
import { snippet } from './snippet.js';

const MODULES = {
  '@tensorflow/tfjs-core': tf,
  '@tensorflow/tfjs-backend-cpu': {},
  '@apo/core': core,
  '@apo/precond': precond,
};

beforeAll(() => tf.setBackend('cpu'));
afterEach(() => tf.disposeVariables());

it.each([
  { rotation: 0, preset: 'paper' },
  { rotation: 30, preset: 'auto', lambdaFsd: '0.3' },
] as const)('the program of the page ends where the race does: %o', async (changes) => {
  const settings = { ...settingsCodec.defaults, ...changes };
  // The whole race would take long; both are cut to the same length.
  const steps = 60;
  const program = snippet(settings).replace('step < 1000', `step < ${steps}`);
  expect(program).toContain(`step < ${steps}`);
  const printed = await runSnippet(program, MODULES);
  const race = new Race(settings, ['sgdApo', 'full']);
  while (race.steps < steps) race.step();
  const { sgdApo, full } = race.standings();
  race.dispose();
  expect(printed.map(([name]) => name)).toEqual(['SGD-APO', 'full P']);
  // The program computes f in float32, the page in float64.
  expect(Math.abs((printed[0]![1] as number) / sgdApo!.value - 1)).toBeLessThan(1e-4);
  expect(Math.abs((printed[1]![1] as number) / full!.value - 1)).toBeLessThan(1e-4);
});

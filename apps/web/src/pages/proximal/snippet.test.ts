import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as baselines from '@apo/baselines';
import * as core from '@apo/core';
import { afterEach, expect, it } from 'vitest';
import { runSnippet } from '../../testing/run-snippet.js';
import { dot, createRegression, EXAMPLES, OTHER_INPUTS } from './regression.js';
import { proximalStep } from './proximal-step.js';
import { settingsCodec } from './settings.js';
import { snippet } from './snippet.js';

const MODULES = {
  '@tensorflow/tfjs-core': tf,
  '@tensorflow/tfjs-backend-cpu': {},
  '@apo/core': core,
  '@apo/baselines': baselines,
};

afterEach(() => tf.disposeVariables());

it.each([
  { lambdaFsd: 1, lambdaWsd: 1e-3 },
  { lambdaFsd: 10, lambdaWsd: 1 },
])('the program of the page gives the changes that the page draws: %o', async (weights) => {
  const regression = createRegression();
  const settings = { ...settingsCodec.defaults, ...weights };
  const x = EXAMPLES[settings.point]!.x;
  const z = regression.coordinates(x);
  const residual = dot(regression.theta, z) - settings.y;
  const printed = await runSnippet(snippet(settings, residual), MODULES);
  expect(printed).toHaveLength(1);
  const [text, changes] = printed[0] as [string, number[]];
  expect(text).toContain('x + 0.5');
  const { singularValues } = regression;
  const step = proximalStep({ singularValues, inputs: OTHER_INPUTS.length, z, residual }, weights);
  for (const [i, distance] of [0, 0.5, 2].entries()) {
    const exact = dot(step, regression.coordinates(x + distance));
    expect(Math.abs(changes[i]! - exact)).toBeLessThan(0.01 * Math.abs(residual));
  }
});

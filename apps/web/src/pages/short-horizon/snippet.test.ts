import * as tf from '@tensorflow/tfjs-core';
import * as core from '@apo/core';
import { afterEach, expect, it } from 'vitest';
import { runSnippet } from '../../testing/run-snippet.js';
import { ShortHorizonSession } from './session.js';
import { settingsCodec } from './settings.js';
import { snippet } from './snippet.js';

const MODULES = { '@tensorflow/tfjs-core': tf, '@tensorflow/tfjs-backend-cpu': {}, '@apo/core': core };

afterEach(() => tf.disposeVariables());

it.each([
  { steps: 150 },
  { steps: 100, loss: 'other', rule: 'momentum', initialRate: 0.003, condition: 31.6, lambdaWsd: 0.1 },
] as const)('the program does what the page does: %o', async (changes) => {
  const settings = { ...settingsCodec.defaults, ...changes };
  const printed = await runSnippet(snippet(settings), MODULES);
  const session = new ShortHorizonSession(settings);
  const { sides } = session.advance(() => false);
  session.dispose();
  expect(printed.map(([side]) => side)).toEqual(Object.keys(sides));
  for (const [side, rate, excess] of printed as ['same' | 'other', number, number][]) {
    // The program and the session do the same operations; learningRates() rounds e^(log η) to float32.
    expect(Math.abs(rate / sides[side]!.rates.at(-1)! - 1)).toBeLessThan(1e-6);
    expect(excess).toBe(sides[side]!.excess.at(-1));
  }
});

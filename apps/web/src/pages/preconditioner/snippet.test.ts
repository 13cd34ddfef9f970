import * as tf from '@tensorflow/tfjs-core';
import * as backend from '@apo/backend-wasm';
import * as baselines from '@apo/baselines';
import * as core from '@apo/core';
import * as precond from '@apo/precond';
import * as tasks from '@apo/tasks';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { runSnippet } from '../../testing/run-snippet.js';
import { KL_CLIP, WEIGHT_DECAY } from './contenders.js';
import { Contest } from './contest.js';
import type { RunName } from './contract.js';
import { codec } from './settings.js';
import { snippet } from './snippet.js';
import { useWasm } from './testing/engine.js';
import { digitImages } from './testing/images.js';

const data = digitImages(2000, 50);

/** Synthetic images in the files' place; everything else is real. */
const MODULES = {
  '@apo/core': { ...core, selectBackend: async () => undefined },
  '@apo/backend-wasm': backend,
  '@apo/baselines': baselines,
  '@apo/precond': precond,
  '@apo/tasks': { ...tasks, loadMnist: async () => data },
  '@apo/tasks/node': { fileStore: () => undefined },
};

beforeAll(useWasm);
afterEach(() => tf.disposeVariables());

it.each([
  { steps: 20 },
  { steps: 20, form: 'low-rank', scale: 'global', k: 4, fsd: 0.3, initialRate: 0.1, seed: 3 },
] as const)('the program gives the losses of the page: %o', async (changes) => {
  const settings = { ...codec.defaults, images: '2000' as const, batch: 16, ...changes };
  const printed = await runSnippet(snippet(settings), MODULES);
  const contest = new Contest(settings, data);
  const losses = await contest.advance(20);
  contest.dispose();
  expect(printed).toEqual(
    (['momentum', 'kfac', 'apo'] satisfies RunName[]).map((name) => [name, 20, losses[name][19]]),
  );
});

it('has the constants of the contenders', () => {
  const code = snippet(codec.defaults);
  expect(code).toContain(`klClip: ${KL_CLIP},`);
  expect(code).toContain(`weightDecay: ${WEIGHT_DECAY} `);
});

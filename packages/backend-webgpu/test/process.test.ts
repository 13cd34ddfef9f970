/** A program that trains on WebGPU, in a process of its own, ends by itself, and its device may be closed or lost before. */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { titleOf, whyNoWebgpu } from '../src/testing/setup.js';

const missing = await whyNoWebgpu();
const root = fileURLToPath(new URL('..', import.meta.url));
/** Under node_modules, so that the program finds TensorFlow.js and Dawn and nobody else finds the program. */
const folder = join(root, 'node_modules', '.cache', 'process');

const TRAIN = `
import { RuleOptimizer, adam, createObjective } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { webgpuBackend } from '${join(root, 'src/index.ts')}';
await webgpuBackend().activate();
const w = tf.variable(tf.ones([20, 20]), true, 'w');
const objective = createObjective({
  variables: [w],
  predict: ({ inputs }) => tf.matMul(inputs, w),
  loss: 'squared-error',
});
const optimizer = new RuleOptimizer(objective, adam());
const batch = { inputs: tf.ones([16, 20]), targets: tf.zeros([16, 20]) };
for (let step = 0; step < 5; step++) optimizer.step(batch);
`;
/** Adam's first steps are η long: five from 1 with η = 0.001 leave 0.995. */
const READ = `console.log('w', (await w.data())[0].toFixed(4));`;

const PROGRAMS = {
  natural: `${TRAIN}${READ}`,
  unread: `${TRAIN}console.log('w', 'unread');`,
  removed: `${TRAIN}${READ}\ntf.removeBackend('webgpu');`,
  lost: `${TRAIN}tf.backend().device.destroy();
try { await w.data(); } catch (error) { console.log('w', error.name, error.code); }`,
} as const;

describe.skipIf(missing !== undefined)(`a program on WebGPU ends by itself${titleOf(missing)}`, () => {
  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    for (const [name, contents] of Object.entries(PROGRAMS)) {
      await build({
        stdin: { contents, resolveDir: root, loader: 'js' },
        outfile: join(folder, `${name}.mjs`),
        bundle: true,
        platform: 'node',
        format: 'esm',
        target: 'node20',
        conditions: ['@apo/source'],
        external: ['@tensorflow/*'],
        logLevel: 'error',
      });
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    ['natural', 'w 0.9950'],
    ['unread', 'w unread'],
    ['removed', 'w 0.9950'],
    ['lost', 'w ApoError BACKEND_UNAVAILABLE'],
  ] as const)('%s', async (name, expected) => {
    // Killed after half a minute, which rejects: a program that does not end is what is looked for.
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, `${name}.mjs`)], {
      timeout: 30_000,
    });
    expect(stdout.trim().split('\n').at(-1)).toBe(expected);
  });
});

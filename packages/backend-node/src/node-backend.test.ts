import { isApoError, selectBackend } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { nodeBackend } from './index.js';
import { emptyFolder, standIn, workingMain } from './testing/stand-in.js';

beforeEach(async () => {
  await tf.setBackend('cpu');
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
});

async function activationError(packagePath: string): Promise<string> {
  const error: unknown = await nodeBackend({ packagePath })
    .activate()
    .catch((e: unknown) => e);
  if (!isApoError(error)) throw new Error(`expected an ApoError, got ${String(error)}`);
  expect(error.code).toBe('BACKEND_UNAVAILABLE');
  return error.message;
}

describe('probe refuses with a reason and a remedy', () => {
  test('outside Node', async () => {
    vi.stubGlobal('process', undefined);
    expect(await nodeBackend().probe()).toEqual({
      available: false,
      reason: 'This is not Node.js.',
      remedy: 'Use @apo/backend-wasm, which also runs in browsers.',
    });
  });

  test.each(['23.0.0', '24.11.1'])('on Node %s', async (version) => {
    const here = process;
    vi.stubGlobal('process', {
      versions: { node: version },
      env: {},
      getBuiltinModule: here.getBuiltinModule.bind(here),
    });
    const { available, reason, remedy } = await nodeBackend({
      packagePath: standIn({ main: workingMain }),
    }).probe();
    expect(available).toBe(false);
    expect(reason).toBe(`Node ${version} lacks functions that tfjs-node 4.22 calls.`);
    expect(remedy).toBe('Run this program on Node 20 or 22.');
  });

  test('when the folder is empty, from the option and from APO_TFJS_NODE', async () => {
    const empty = emptyFolder();
    const byOption = await nodeBackend({ packagePath: empty }).probe();
    expect(byOption.available).toBe(false);
    expect(byOption.reason).toBe(`There is no package in ${empty}.`);
    expect(byOption.remedy).toContain('npm install @tensorflow/tfjs-node');
    vi.stubEnv('APO_TFJS_NODE', empty);
    expect(await nodeBackend().probe()).toEqual(byOption);
  });

  test('when the folder holds another package', async () => {
    const { reason } = await nodeBackend({ packagePath: standIn({ main: '', name: 'left-pad' }) }).probe();
    expect(reason).toMatch(/package\.json is not the manifest of @tensorflow\/tfjs-node\.$/);
  });

  test('when it brings another version of tfjs-core', async () => {
    const folder = standIn({ main: workingMain, coreVersion: '3.9.0' });
    const { reason, remedy } = await nodeBackend({ packagePath: folder }).probe();
    expect(reason).toBe(
      `The tfjs-node in ${folder} brings tfjs-core 3.9.0, but this program uses ${tf.version_core}.`,
    );
    expect(remedy).toBe(`Install @tensorflow/tfjs-node ${tf.version_core}.`);
    expect(await activationError(folder)).toContain('brings tfjs-core 3.9.0');
  });

  test('when its native library is missing, with its own words', async () => {
    const folder = standIn({ main: `throw new Error('The native addon can not be found at path: x');` });
    const { available, reason, remedy } = await nodeBackend({ packagePath: folder }).probe();
    expect(available).toBe(false);
    expect(reason).toBe(
      `The tfjs-node in ${folder} does not load: The native addon can not be found at path: x.`,
    );
    expect(remedy).toContain('npm rebuild @tensorflow/tfjs-node');
  });

  test('when loading it kills the process, which must not be this one', async () => {
    const folder = standIn({ main: `process.kill(process.pid, 'SIGILL');` });
    const { reason } = await nodeBackend({ packagePath: folder }).probe();
    expect(reason).toBe(
      `The tfjs-node in ${folder} does not load: the process that loaded it died of SIGILL.`,
    );
  });

  test('when it loads but computes something else', async () => {
    const wrong = `module.exports = {
      matMul: () => ({ dataSync: () => [13] }), tensor2d: () => null,
      getBackend: () => 'tensorflow', backend: () => ({}),
    };`;
    const folder = standIn({ main: wrong });
    expect((await nodeBackend({ packagePath: folder }).probe()).reason).toContain('it computed 3 · 4 = 13');
  });
});

describe('a working package', () => {
  test('is probed once, in another process, and nothing changes here', async () => {
    const folder = standIn({ main: workingMain });
    const adapter = nodeBackend({ packagePath: folder });
    const tensors = tf.memory().numTensors;
    const availability = await adapter.probe();
    expect(await adapter.probe()).toEqual(availability);
    expect(availability.available).toBe(true);
    expect(availability.details).toMatchObject({
      package: folder,
      'tfjs-node': '4.22.0',
      'tfjs-core': '4.22.0',
      libtensorflow: '0.stand-in',
    });
    expect(readFileSync(join(folder, 'loads.txt'), 'utf8')).toBe('x');
    expect(tf.getBackend()).toBe('cpu');
    expect(tf.findBackendFactory('tensorflow')).toBe(null);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  test('leaves the backend as it was when its tfjs-core has an engine of its own', async () => {
    const folder = standIn({ main: 'module.exports = { engine: () => ({}) };' });
    expect(await activationError(folder)).toContain('an engine of its own');
    expect(tf.getBackend()).toBe('cpu');
  });

  test('leaves the backend and the log settings as they were when loading throws', async () => {
    vi.stubEnv('TF_CPP_MIN_LOG_LEVEL', undefined);
    const folder = standIn({ main: `throw new Error('no binding');` });
    expect(await activationError(folder)).toBe(`The tfjs-node in ${folder} does not load: no binding`);
    expect(tf.getBackend()).toBe('cpu');
    expect(tf.env().getBool('PROD')).toBe(false);
    expect(process.env['TF_CPP_MIN_LOG_LEVEL']).toBeUndefined();
  });

  test('becomes the current backend, with its versions and threads, and leaks nothing', async () => {
    vi.stubEnv('TF_NUM_INTRAOP_THREADS', '3');
    const folder = standIn({ main: workingMain });
    const tensors = tf.memory().numTensors;
    const info = await selectBackend([nodeBackend({ packagePath: folder })]);
    expect(info).toEqual({
      name: 'node',
      tfBackend: 'tensorflow',
      threads: 3,
      details: { package: folder, 'tfjs-node': '4.22.0', 'tfjs-core': '4.22.0', libtensorflow: '0.stand-in' },
    });
    expect(tf.getBackend()).toBe('tensorflow');
    expect(tf.memory().numTensors).toBe(tensors);
    // [1 2] · [3 4]ᵀ = 11.
    const product = tf.tidy(() => tf.matMul([[1, 2]], [[3], [4]]).dataSync());
    expect(Array.from(product)).toEqual([11]);
  });
});

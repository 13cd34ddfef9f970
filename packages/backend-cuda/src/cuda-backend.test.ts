/** The adapter with the package absent, broken, without CUDA, and working: folders that look like it, since it needs a GPU to be real. */
import { isApoError, selectBackend } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { cudaBackend } from './index.js';
import { emptyFolder, mainWith, standIn } from './testing/stand-in.js';

beforeEach(async () => {
  await tf.setBackend('cpu');
  vi.stubEnv('APO_TFJS_NODE_GPU', undefined);
  vi.stubEnv('CUDA_VISIBLE_DEVICES', undefined);
  vi.stubEnv('TF_FORCE_GPU_ALLOW_GROWTH', undefined);
});
afterEach(() => {
  if ('tensorflow' in tf.engine().registryFactory) tf.removeBackend('tensorflow');
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
});

/** Reason (without the folder) and remedy of a package whose main file is this. */
async function refusal(main: string): Promise<[string, string]> {
  const folder = standIn({ main });
  const { available, reason, remedy } = await cudaBackend({ packagePath: folder }).probe();
  expect(available).toBe(false);
  return [reason!.replace(`The tfjs-node-gpu in ${folder} does not work: `, ''), remedy!];
}

const CUDA_REMEDY =
  'Install CUDA 11.2 and cuDNN 8.1, and put the folders of their libraries into LD_LIBRARY_PATH before Node starts.';

describe('probe refuses in one sentence with the remedy', () => {
  test('outside Node', async () => {
    vi.stubGlobal('process', undefined);
    expect(await cudaBackend().probe()).toEqual({
      available: false,
      reason: 'This is not Node.js.',
      remedy: 'Use @apo/backend-webgpu, which also runs in browsers.',
    });
  });

  test.each([
    [
      { versions: { node: '24.1.0' }, platform: 'linux', arch: 'x64' },
      'Node 24.1.0 lacks functions that tfjs-node-gpu 4.22 calls.',
    ],
    [
      { versions: { node: '22.0.0' }, platform: 'darwin', arch: 'arm64' },
      'There is no tfjs-node-gpu for darwin on arm64.',
    ],
    [
      { versions: { node: '22.0.0' }, platform: 'linux', arch: 'arm64' },
      'There is no tfjs-node-gpu for linux on arm64.',
    ],
  ])('on %o', async (machine, expected) => {
    vi.stubGlobal('process', {
      ...machine,
      env: {},
      getBuiltinModule: process.getBuiltinModule.bind(process),
    });
    expect((await cudaBackend().probe()).reason).toBe(expected);
  });

  test('when it is not installed', async () => {
    const { reason, remedy } = await cudaBackend().probe();
    expect(reason).toBe('@tensorflow/tfjs-node-gpu is not installed.');
    expect(remedy).toMatch(/^Install it with "npm install @tensorflow\/tfjs-node-gpu"/);
  });

  test('when the folder is empty, from the option and from APO_TFJS_NODE_GPU', async () => {
    const empty = emptyFolder();
    const byOption = await cudaBackend({ packagePath: empty }).probe();
    expect(byOption.reason).toBe(`There is no package in ${empty}.`);
    vi.stubEnv('APO_TFJS_NODE_GPU', empty);
    expect(await cudaBackend().probe()).toEqual(byOption);
  });

  test('when the folder holds tfjs-node for CPUs', async () => {
    const folder = standIn({ main: '', name: '@tensorflow/tfjs-node' });
    expect((await cudaBackend({ packagePath: folder }).probe()).reason).toMatch(
      /is not the manifest of @tensorflow\/tfjs-node-gpu\.$/,
    );
  });

  test('when it brings another version of tfjs-core', async () => {
    const folder = standIn({ main: mainWith({ gpu: true }), coreVersion: '3.9.0' });
    const { reason, remedy } = await cudaBackend({ packagePath: folder }).probe();
    expect(reason).toContain(`brings tfjs-core 3.9.0, but this program uses ${tf.version_core}.`);
    expect(remedy).toBe(`Install @tensorflow/tfjs-node-gpu ${tf.version_core}.`);
  });

  test('when its native library needs one that is missing', async () => {
    const main = `throw new Error('libcudart.so.11.0: cannot open shared object file: No such file or directory');`;
    expect(await refusal(main)).toEqual(['libcudart.so.11.0 is missing.', CUDA_REMEDY]);
  });

  test('when CUDA libraries are missing and it falls back to the CPU; TensorRT is not needed', async () => {
    const line = (name: string): string =>
      `W tensorflow/dso_loader.cc:64] Could not load dynamic library '${name}'; dlerror: ${name}: cannot open shared object file\n`;
    const log = [
      line('libnvinfer.so.7'),
      line('libcublas.so.11'),
      line('libcudnn.so.8'),
      line('libcudnn.so.8'),
    ].join('');
    expect(await refusal(mainWith({ gpu: false, log }))).toEqual([
      'libcublas.so.11, libcudnn.so.8 are missing.',
      CUDA_REMEDY,
    ]);
  });

  test.each([
    [
      "Could not load dynamic library 'libcuda.so.1'",
      "the NVIDIA driver's libcuda.so.1 is missing.",
      /driver of the NVIDIA GPU/,
    ],
    ['failed call to cuInit: CUDA_ERROR_NO_DEVICE: no device', 'it finds no NVIDIA GPU.', /nvidia-smi/],
    [
      'failed call to cuInit: CUDA_ERROR_SYSTEM_DRIVER_MISMATCH: x',
      'the NVIDIA driver does not start (CUDA_ERROR_SYSTEM_DRIVER_MISMATCH).',
      /restart/,
    ],
    ['', 'it finds no NVIDIA GPU.', /CUDA_VISIBLE_DEVICES/],
  ])('when libtensorflow says %o', async (log, why, remedy) => {
    const [reason, advice] = await refusal(mainWith({ gpu: false, log: `${log}\n` }));
    expect(reason).toBe(why);
    expect(advice).toMatch(remedy);
  });

  test('when loading it kills the process, which must not be this one', async () => {
    expect((await refusal(`process.kill(process.pid, 'SIGILL');`))[0]).toBe(
      'the process that loaded it died of SIGILL.',
    );
  });

  test('when it loads but computes something else', async () => {
    const wrong = `module.exports = {
      matMul: () => ({ dataSync: () => [13] }), tensor2d: () => null, getBackend: () => 'tensorflow', backend: () => ({}),
    };`;
    expect((await refusal(wrong))[0]).toContain('it computed 3 · 4 = 13');
  });
});

test('devices must be numbers', () => {
  for (const devices of [[], [-1], [0.5]])
    expect(() => cudaBackend({ devices })).toThrow(/^devices is \[.*expected at least one number of a GPU/);
});

describe('a working package', () => {
  const log =
    'I tensorflow/gpu_device.cc:1525] Created device /job:localhost/replica:0/task:0/device:GPU:0 with 14000 MB memory:  -> device: 0, name: Tesla T4, pci bus id: 0000:00:04.0, compute capability: 7.5\n';

  test('is probed once, in another process, names its GPUs, and nothing changes here', async () => {
    const folder = standIn({ main: mainWith({ gpu: true, log }) });
    const adapter = cudaBackend({ packagePath: folder, devices: [1, 0] });
    const tensors = tf.memory().numTensors;
    const availability = await adapter.probe();
    expect(await adapter.probe()).toEqual(availability);
    expect(availability).toEqual({
      available: true,
      details: {
        package: folder,
        'tfjs-node-gpu': '4.22.0',
        'tfjs-core': '4.22.0',
        libtensorflow: '0.stand-in',
        gpus: 'Tesla T4 (14000 MB)',
        memoryGrowth: true,
      },
    });
    // One load, with the devices and the growth of memory that were asked for.
    expect(readFileSync(join(folder, 'loads.txt'), 'utf8')).toBe('["1,0","true"]\n');
    expect(process.env['CUDA_VISIBLE_DEVICES']).toBeUndefined();
    expect(tf.getBackend()).toBe('cpu');
    expect(tf.memory().numTensors).toBe(tensors);
  });

  test('becomes the current backend, and leaks nothing', async () => {
    const tensors = tf.memory().numTensors;
    const folder = standIn({ main: mainWith({ gpu: true, log }) });
    const info = await selectBackend([cudaBackend({ packagePath: folder, memoryGrowth: false })]);
    expect(info).toEqual({
      name: 'cuda',
      tfBackend: 'tensorflow',
      threads: 1,
      details: { package: folder, 'tfjs-node-gpu': '4.22.0', 'tfjs-core': '4.22.0', memoryGrowth: false },
    });
    expect(tf.getBackend()).toBe('tensorflow');
    // [1 2] · [3 4]ᵀ = 11.
    expect(Array.from(tf.tidy(() => tf.matMul([[1, 2]], [[3], [4]]).dataSync()))).toEqual([11]);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(readFileSync(join(folder, 'loads.txt'), 'utf8')).toBe('[null,null]\n[null,null]\n');
  });

  test.each([
    ['computes on the CPU', mainWith({ gpu: false }), /it computes on the CPU/],
    ['has an engine of its own', 'module.exports = { engine: () => ({}) };', /an engine of its own/],
    ['throws', `throw new Error('no binding');`, /does not work: no binding$/],
  ])('leaves the backend and the settings as they were when it %s', async (_, main, message) => {
    vi.stubEnv('TF_CPP_MIN_LOG_LEVEL', undefined);
    const error: unknown = await cudaBackend({ packagePath: standIn({ main }) })
      .activate()
      .catch((thrown: unknown) => thrown);
    if (!isApoError(error)) throw new Error(`expected an ApoError, got ${String(error)}`);
    expect(error.code).toBe('BACKEND_UNAVAILABLE');
    expect(error.message).toMatch(message);
    expect(tf.getBackend()).toBe('cpu');
    expect(tf.env().getBool('PROD')).toBe(false);
    expect(process.env['TF_CPP_MIN_LOG_LEVEL']).toBeUndefined();
  });
});

/** libtensorflow on NVIDIA GPUs through @tensorflow/tfjs-node-gpu: why it cannot be used, or how it becomes the current backend. */
import { ApoError, registerMissingGradients, requireArgument } from '@apo/core';
import type { Availability, BackendAdapter, BackendInfo } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { nodeModules } from './node-modules.js';
import type { NodeModules } from './node-modules.js';
import { locatePackage } from './package-location.js';
import type { PackageLocation } from './package-location.js';
import { trialLoad } from './trial.js';
import type { Trial } from './trial.js';

export interface CudaBackendOptions {
  /** Folder of a tfjs-node-gpu package to load instead of the installed one; default: the environment variable `APO_TFJS_NODE_GPU`. */
  readonly packagePath?: string;
  /** The GPUs to use, numbers ≥ 0 as `nvidia-smi` counts them, as `CUDA_VISIBLE_DEVICES`. Default: what that variable says, else all. */
  readonly devices?: readonly number[];
  /** Takes memory of the GPU as it is needed, rather than nearly all of it at once. Default true. */
  readonly memoryGrowth?: boolean;
}

/** The part of tfjs-node-gpu that is used here; its own types would make it a build-time dependency. */
interface TfjsNodeGpu {
  engine(): unknown;
}

/** tfjs-node-gpu 4.22 calls `util.isNullOrUndefined` and others that Node 23 removed. */
const FIRST_UNSUPPORTED_NODE = 23;
const TF_BACKEND = 'tensorflow';

type Found =
  | { readonly package: PackageLocation; readonly node: NodeModules }
  | { readonly reason: string; readonly remedy: string };

/**
 * The adapter `cuda`. `probe` loads nothing into this process: it tries the package in a child process, once per adapter. `activate` loads it
 * and makes `tensorflow` the current backend; when that fails or no GPU is used it throws `ApoError` `BACKEND_UNAVAILABLE`, and the backend that was
 * current still is. libtensorflow reads `devices` and `memoryGrowth` when it is first loaded; later choices change nothing.
 * @throws ApoError `INVALID_ARGUMENT` for devices that are no whole numbers ≥ 0, or none.
 */
export function cudaBackend(options: CudaBackendOptions = {}): BackendAdapter {
  const { packagePath, devices, memoryGrowth = true } = options;
  requireArgument(
    devices === undefined || (devices.length > 0 && devices.every((n) => Number.isInteger(n) && n >= 0)),
    () => `devices is [${String(devices)}]; expected at least one number of a GPU, 0 or more.`,
  );
  const environment = {
    ...(devices !== undefined && { CUDA_VISIBLE_DEVICES: devices.join(',') }),
    ...(memoryGrowth && { TF_FORCE_GPU_ALLOW_GROWTH: 'true' }),
  };
  let trial: Promise<Trial> | undefined;

  function find(): Found {
    const node = nodeModules();
    if (node === undefined)
      return {
        reason: 'This is not Node.js.',
        remedy: 'Use @apo/backend-webgpu, which also runs in browsers.',
      };
    const { arch, platform, versions } = process;
    if (Number(versions.node.split('.')[0]) >= FIRST_UNSUPPORTED_NODE) {
      return {
        reason: `Node ${versions.node} lacks functions that tfjs-node-gpu 4.22 calls.`,
        remedy: 'Run this program on Node 20 or 22.',
      };
    }
    if (!['linux', 'win32'].includes(platform) || arch !== 'x64') {
      return {
        reason: `There is no tfjs-node-gpu for ${platform} on ${arch}.`,
        remedy: 'Use @apo/backend-webgpu, which runs on its GPU.',
      };
    }
    const location = locatePackage(node, packagePath ?? process.env['APO_TFJS_NODE_GPU']);
    if ('missing' in location) {
      return {
        reason: `${location.missing[0]!.toUpperCase()}${location.missing.slice(1)}.`,
        remedy:
          'Install it with "npm install @tensorflow/tfjs-node-gpu", or set APO_TFJS_NODE_GPU to the folder of a built one.',
      };
    }
    if (location.coreVersion !== tf.version_core) {
      return {
        reason: `The tfjs-node-gpu in ${location.folder} brings tfjs-core ${location.coreVersion ?? '(none)'}, but this program uses ${tf.version_core}.`,
        remedy: `Install @tensorflow/tfjs-node-gpu ${tf.version_core}.`,
      };
    }
    return { package: location, node };
  }

  return {
    name: 'cuda',

    async probe(): Promise<Availability> {
      const found = find();
      if ('reason' in found) return { available: false, ...found };
      trial ??= trialLoad(found.node, found.package.folder, environment);
      const result = await trial;
      if (!result.works) {
        return {
          available: false,
          reason: `The tfjs-node-gpu in ${found.package.folder} does not work: ${result.why}.`,
          remedy: result.remedy,
        };
      }
      return {
        available: true,
        details: {
          ...versions(found.package),
          libtensorflow: result.libtensorflow,
          gpus: result.gpus.join(', ') || 'unnamed',
          memoryGrowth,
        },
      };
    },

    async activate(): Promise<BackendInfo> {
      const found = find();
      if ('reason' in found) throw new ApoError('BACKEND_UNAVAILABLE', `${found.reason} ${found.remedy}`);
      // `undefined` while no backend has been chosen; asking TensorFlow.js then would choose one.
      const before = tf.engine().backendName as string | undefined;
      try {
        requireSharedEngine(load(found.node, found.package, environment));
        // A package in another folder has its own tfjs-core, whose gradients have just taken the place of the extended ones.
        registerMissingGradients();
        if (!(await tf.setBackend(TF_BACKEND))) throw new Error('TensorFlow.js refused the backend');
        requireGpu();
      } catch (cause) {
        if (before !== undefined && tf.engine().backendName !== before) await tf.setBackend(before);
        throw new ApoError(
          'BACKEND_UNAVAILABLE',
          `The tfjs-node-gpu in ${found.package.folder} does not work: ${cause instanceof Error ? cause.message : String(cause)}`,
          { cause },
        );
      }
      return {
        name: 'cuda',
        tfBackend: tf.getBackend(),
        threads: 1,
        details: { ...versions(found.package), memoryGrowth },
      };
    },
  };
}

function versions({ folder, version, coreVersion }: PackageLocation): Record<string, string> {
  return { package: folder, 'tfjs-node-gpu': version, 'tfjs-core': coreVersion ?? 'unknown' };
}

/**
 * Loading registers kernels and changes the current backend. Warnings are off meanwhile: a package in another folder has its own copies of the tfjs
 * packages, which say for each of hundreds of kernels that it is already registered.
 */
function load(
  { module, path }: NodeModules,
  { folder }: PackageLocation,
  environment: Readonly<Record<string, string>>,
): TfjsNodeGpu {
  const require = module.createRequire(path.join(folder, 'package.json'));
  const production = tf.env().getBool('PROD');
  const logLevel = process.env['TF_CPP_MIN_LOG_LEVEL'];
  tf.env().set('PROD', true);
  Object.assign(process.env, environment);
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  try {
    return require(folder) as TfjsNodeGpu;
  } finally {
    tf.env().set('PROD', production);
    if (logLevel === undefined) delete process.env['TF_CPP_MIN_LOG_LEVEL'];
  }
}

/** Copies of tfjs-core in one JavaScript realm share one engine and one tensor class; another one would not know our tensors. */
function requireSharedEngine(loaded: TfjsNodeGpu): void {
  if (typeof loaded.engine !== 'function' || loaded.engine() !== tf.engine()) {
    throw new Error(
      'it runs on another copy of tfjs-core with an engine of its own. Install it beside @tensorflow/tfjs-core, in the same version.',
    );
  }
}

/** It falls back to the CPU without a word when it finds no GPU, or when @tensorflow/tfjs-node was loaded before. */
function requireGpu(): void {
  const { isUsingGpuDevice } = tf.backend() as { isUsingGpuDevice?: boolean };
  if (isUsingGpuDevice !== true)
    throw new Error('it computes on the CPU. "apo doctor" and probe() say which library or GPU is missing.');
}

/** libtensorflow on the CPU through @tensorflow/tfjs-node: why it cannot be used, or how it becomes the current backend. */
import { ApoError, registerMissingGradients } from '@apo/core';
import type { Availability, BackendAdapter, BackendInfo } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { locatePackage, nodeModules } from './package-location.js';
import type { NodeModules, PackageLocation } from './package-location.js';
import { trialLoad } from './trial-load.js';
import type { Trial } from './trial-load.js';

export interface NodeBackendOptions {
  /**
   * Folder of a tfjs-node package to load instead of the installed one; default: the environment variable
   * `APO_TFJS_NODE`, and without it the `@tensorflow/tfjs-node` that the program has installed.
   */
  readonly packagePath?: string;
}

/** The part of tfjs-node that is used here; its own types would make it a build-time dependency. */
interface TfjsNode {
  engine(): unknown;
  readonly version?: Readonly<Record<string, string>>;
}

/** tfjs-node 4.22 calls `util.isNullOrUndefined` and others that Node 23 removed. */
const FIRST_UNSUPPORTED_NODE = 23;
const TF_BACKEND = 'tensorflow';

type Found =
  { readonly package: PackageLocation; readonly node: NodeModules } | { readonly refusal: Availability };

/**
 * The adapter `node`.
 *
 * `probe` answers without loading anything into this process: what it cannot read from files it tries in a child process
 * (once per adapter, about a second). `activate` loads the package and makes `tensorflow` the current backend; it throws
 * `ApoError` `BACKEND_UNAVAILABLE` with the reason when that fails, and then the backend that was current still is.
 */
export function nodeBackend(options: NodeBackendOptions = {}): BackendAdapter {
  let trial: Promise<Trial> | undefined;

  function find(): Found {
    const node = nodeModules();
    if (node === undefined) {
      return refuse('this is not Node.js', 'Use @apo/backend-wasm, which also runs in browsers.');
    }
    const major = Number(process.versions.node.split('.')[0]);
    if (major >= FIRST_UNSUPPORTED_NODE) {
      return refuse(
        `Node ${process.versions.node} lacks functions that tfjs-node 4.22 calls`,
        'Run this program on Node 20 or 22.',
      );
    }
    const location = locatePackage(node, options.packagePath ?? process.env['APO_TFJS_NODE']);
    if ('missing' in location) {
      return refuse(
        location.missing,
        'Install it with "npm install @tensorflow/tfjs-node", or set APO_TFJS_NODE to the folder of a built one.',
      );
    }
    if (location.coreVersion !== tf.version_core) {
      return refuse(
        `the tfjs-node in ${location.folder} brings tfjs-core ${location.coreVersion ?? '(none)'}, but this program uses ${tf.version_core}`,
        `Install @tensorflow/tfjs-node ${tf.version_core}.`,
      );
    }
    return { package: location, node };
  }

  return {
    name: 'node',

    async probe(): Promise<Availability> {
      const found = find();
      if ('refusal' in found) return found.refusal;
      trial ??= trialLoad(found.node, found.package.folder);
      const result = await trial;
      if (!result.works) {
        return refuse(
          `the tfjs-node in ${found.package.folder} does not load: ${result.why}`,
          `Rebuild its native library with "npm rebuild @tensorflow/tfjs-node --build-from-source".`,
        ).refusal;
      }
      return {
        available: true,
        details: {
          ...versions(found.package),
          libtensorflow: result.libtensorflow,
          threads: threads(found.node),
        },
      };
    },

    async activate(): Promise<BackendInfo> {
      const found = find();
      if ('refusal' in found) {
        throw new ApoError(
          'BACKEND_UNAVAILABLE',
          `${found.refusal.reason ?? ''} ${found.refusal.remedy ?? ''}`,
        );
      }
      const before = currentBackend();
      try {
        requireSharedEngine(load(found.node, found.package), found.package);
        // A tfjs-node in another folder has its own tfjs-core, whose gradients have just taken the place of the extended ones.
        registerMissingGradients();
        if (!(await tf.setBackend(TF_BACKEND))) throw new Error('TensorFlow.js refused the backend');
      } catch (cause) {
        if (before !== undefined && currentBackend() !== before) await tf.setBackend(before);
        if (cause instanceof ApoError) throw cause;
        throw new ApoError(
          'BACKEND_UNAVAILABLE',
          `The tfjs-node in ${found.package.folder} does not load: ${cause instanceof Error ? cause.message : String(cause)}`,
          { cause },
        );
      }
      return {
        name: 'node',
        tfBackend: tf.getBackend(),
        threads: threads(found.node),
        details: { ...versions(found.package), libtensorflow: libtensorflowVersion() },
      };
    },
  };
}

function refuse(reason: string, remedy: string): { refusal: Availability } {
  return { refusal: { available: false, reason: `${reason[0]!.toUpperCase()}${reason.slice(1)}.`, remedy } };
}

/** `undefined` while no backend has been chosen; asking TensorFlow.js then would choose one. */
function currentBackend(): string | undefined {
  return tf.engine().backendName;
}

/**
 * Loading registers kernels and changes the current backend. Warnings are off meanwhile: a tfjs-node in another folder has
 * its own copies of the tfjs packages, which say for each of hundreds of kernels that it is already registered.
 */
function load({ module, path }: NodeModules, { folder }: PackageLocation): TfjsNode {
  const require = module.createRequire(path.join(folder, 'package.json'));
  const production = tf.env().getBool('PROD');
  const logLevel = process.env['TF_CPP_MIN_LOG_LEVEL'];
  tf.env().set('PROD', true);
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  try {
    return require(folder) as TfjsNode;
  } finally {
    tf.env().set('PROD', production);
    if (logLevel === undefined) delete process.env['TF_CPP_MIN_LOG_LEVEL'];
  }
}

/**
 * Copies of tfjs-core in one JavaScript realm share one engine and one tensor class through the global object, so a
 * tfjs-node in another folder works. A copy in another realm, or an incompatible one, makes an engine of its own, and our
 * tensors would be unknown to it.
 */
function requireSharedEngine(loaded: TfjsNode, { folder }: PackageLocation): void {
  if (typeof loaded.engine !== 'function' || loaded.engine() !== tf.engine()) {
    throw new ApoError(
      'BACKEND_UNAVAILABLE',
      `The tfjs-node in ${folder} runs on another copy of tfjs-core with an engine of its own, which cannot use this program's tensors. ` +
        'Install @tensorflow/tfjs-node beside @tensorflow/tfjs-core, in the same version, so that both share one copy.',
    );
  }
}

function versions({ folder, version, coreVersion }: PackageLocation): Record<string, string> {
  return { package: folder, 'tfjs-node': version, 'tfjs-core': coreVersion ?? 'unknown' };
}

function libtensorflowVersion(): string {
  const { binding } = tf.backend() as { binding?: { TF_Version?: string } };
  return binding?.TF_Version ?? 'unknown';
}

/** What libtensorflow itself does: the variable it reads, or one thread per logical core. */
function threads({ os }: NodeModules): number {
  const chosen = Number(process.env['TF_NUM_INTRAOP_THREADS']);
  return Number.isInteger(chosen) && chosen > 0 ? chosen : os.availableParallelism();
}

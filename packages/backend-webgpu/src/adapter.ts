/** The engine adapter of the backend `webgpu`: whether it can run here, and how it is started on a device of its own with the training kernels. */
import { ApoError, requireArgument } from '@apo/core';
import type { Availability, BackendAdapter, BackendInfo } from '@apo/core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { nodeProcess } from './dawn.js';
import { details, findAdapter, openDevice, SOFTWARE_WARNING } from './device.js';
import type { AdapterFacts, PowerPreference } from './device.js';
import { guardedBackend } from './guarded-backend.js';
import type { GuardedBackend } from './guarded-backend.js';
import { exposeGlobals, findHost, withNavigator } from './host.js';
import type { Host } from './host.js';
import { installTrainingKernels } from './install.js';
import { requireHalfPrecision } from './product-choice.js';
import { messageOf, refusalError } from './refusal.js';
import type { Refusal } from './refusal.js';
import { DawnPoll } from './synchronous-read.js';

export interface WebgpuBackendOptions {
  /** Which adapter of several is asked for. Default `'high-performance'`. */
  readonly powerPreference?: PowerPreference;
  /**
   * Matrix products add in one order only, so that the same seed gives the same bits; without it, products with a long inner side and a small
   * result are split and added atomically. Default true.
   */
  readonly deterministic?: boolean;
  /**
   * Matrix products round their factors to 16 bits and add up in 32, on devices with `shader-f16`: numbers beyond 65,504 become infinite, those
   * below 6e-8 vanish. Preconditioners and updates keep 32 bits. Default false.
   */
  readonly halfPrecision?: boolean;
  /** What Dawn is created with in Node, for example `['backend=vulkan']` or `['adapter=…']`. Default none. */
  readonly dawnOptions?: readonly string[];
  /** Called once when the device is lost: save nothing from it, restore the last checkpoint. The next operation throws the same error. */
  readonly onLost?: (error: ApoError) => void;
}

const TF_BACKEND = 'webgpu';

type Found =
  | { readonly host: Host; readonly adapter: GPUAdapter; readonly facts: AdapterFacts }
  | { readonly refusal: Refusal };

interface Running {
  readonly backend: GuardedBackend;
  readonly info: BackendInfo;
}

/** The one that `activate` started last, whichever adapter did. */
let running: Running | undefined;

/** The last call of `activate`: two at once would open two devices, of which the second takes away what the first still needs. */
let activation: Promise<unknown> = Promise.resolve();

/**
 * The adapter `webgpu`. `activate` opens a device with the adapter's own limits and makes `webgpu` the current backend;
 * `tf.removeBackend('webgpu')` closes it and releases everything. Activating it again gives the running one; after a loss, a new one.
 * @throws ApoError `INVALID_ARGUMENT` for a powerPreference that is none of its values.
 */
export function webgpuBackend({
  powerPreference = 'high-performance',
  deterministic = true,
  halfPrecision = false,
  dawnOptions = [],
  onLost,
}: WebgpuBackendOptions = {}): BackendAdapter {
  requireArgument(
    ['high-performance', 'low-power'].includes(powerPreference),
    () =>
      `powerPreference is ${JSON.stringify(powerPreference)}; expected 'high-performance' or 'low-power'.`,
  );

  async function find(): Promise<Found> {
    const found = await findHost(dawnOptions);
    if ('refusal' in found) return found;
    const result = await findAdapter(found.host, powerPreference);
    return 'refusal' in result ? result : { host: found.host, ...result };
  }

  async function activate(): Promise<BackendInfo> {
    if (running?.backend.lost === undefined && running !== undefined) {
      installTrainingKernels({ deterministic, halfPrecision });
      await tf.setBackend(TF_BACKEND);
      return running.info;
    }
    requireNoOther();
    const found = await find();
    if ('refusal' in found) throw refusalError(found.refusal);
    if (halfPrecision) requireHalfPrecision(found.adapter);
    running = await start(found, onLost);
    installTrainingKernels({ deterministic, halfPrecision });
    return running.info;
  }

  return {
    name: 'webgpu',

    async probe(): Promise<Availability> {
      const found = await find();
      if ('refusal' in found) {
        const { reason, remedy } = found.refusal;
        return { available: false, reason, remedy };
      }
      const { host, adapter, facts } = found;
      return {
        available: true,
        ...(facts.software && { warning: SOFTWARE_WARNING }),
        details: details(host, adapter, facts),
      };
    },

    activate(): Promise<BackendInfo> {
      const own = activation.then(activate, activate);
      activation = own;
      return own;
    },
  };
}

function removeRegistered(): void {
  if (TF_BACKEND in tf.engine().registryFactory) tf.removeBackend(TF_BACKEND);
}

/** A backend that something else started has a device with other limits and tensors of its own. */
function requireNoOther(): void {
  if (running === undefined && tf.engine().registry[TF_BACKEND] !== undefined) {
    throw new ApoError(
      'BACKEND_UNAVAILABLE',
      `The backend '${TF_BACKEND}' already runs on a device that this package did not open; activate webgpuBackend() first, or install the kernels alone with '@apo/backend-webgpu/register'.`,
    );
  }
}

async function start(
  { host, adapter, facts }: Extract<Found, { host: Host }>,
  onLost: ((error: ApoError) => void) | undefined,
): Promise<Running> {
  const before = tf.engine().backendName as string | undefined;
  // Importing the package in a page has registered one with default limits; a lost one is still there.
  removeRegistered();
  const hideGlobals = exposeGlobals(host.globals);
  let device: GPUDevice | undefined;
  try {
    const Base = await backendClass();
    const poll = readsThroughDawn() ? new DawnPoll() : undefined;
    const open = (): Promise<GPUDevice> => openDevice(adapter);
    const opened = (device = await (poll === undefined ? open() : poll.noted(open)));
    // In a page it registers a backend of its own when it is first imported.
    removeRegistered();
    const backend = withNavigator(host.gpu, () =>
      guardedBackend(Base, {
        device: opened,
        info: facts,
        ...(poll && { poll }),
        ...(onLost && { onLost }),
        onDispose: () => {
          hideGlobals();
          if (running?.backend === backend) running = undefined;
        },
      }),
    );
    tf.registerBackend(TF_BACKEND, () => backend);
    if (!(await tf.setBackend(TF_BACKEND))) throw new Error('TensorFlow.js refused the backend');
    return {
      backend,
      info: {
        name: 'webgpu',
        tfBackend: tf.getBackend(),
        threads: 1,
        ...(facts.software && { warning: SOFTWARE_WARNING }),
        details: details(host, opened, facts),
      },
    };
  } catch (cause) {
    device?.destroy();
    hideGlobals();
    if (before !== undefined && before !== TF_BACKEND) await tf.setBackend(before);
    throw new ApoError(
      'BACKEND_UNAVAILABLE',
      `${host.implementation} gives no usable device: ${messageOf(cause)}. ${host.remedy}`,
      { cause },
    );
  }
}

/** Whether values can be read on the calling thread only with Dawn's help; TensorFlow.js itself does it with a canvas. */
function readsThroughDawn(): boolean {
  return nodeProcess() !== undefined && !('OffscreenCanvas' in globalThis);
}

/** The package is CommonJS in Node, where its names may only be on the default export. */
async function backendClass(): Promise<typeof WebGPUBackend> {
  const loaded: { WebGPUBackend?: typeof WebGPUBackend; default?: { WebGPUBackend?: typeof WebGPUBackend } } =
    await import('@tensorflow/tfjs-backend-webgpu');
  const found = loaded.WebGPUBackend ?? loaded.default?.WebGPUBackend;
  if (found === undefined) throw new Error('@tensorflow/tfjs-backend-webgpu exports no WebGPUBackend');
  return found;
}

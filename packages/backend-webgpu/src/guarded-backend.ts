/**
 * TensorFlow.js's WebGPU backend with what a program has to be told: a lost device and errors that WebGPU reports elsewhere than where they
 * arise become `ApoError`s. It owns its device.
 */
import { ApoError } from '@apo/core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import type { DawnPoll } from './synchronous-read.js';

export interface GuardOptions {
  readonly device: GPUDevice;
  /** How the device is waited for on the calling thread; absent in a page, which reads through a canvas. */
  readonly poll?: DawnPoll;
  readonly info: { readonly vendor: string; readonly architecture: string; readonly software: boolean };
  /** Called once when the device is lost, not when it is disposed. */
  readonly onLost?: (error: ApoError) => void;
  /** Called once after the backend has been disposed. */
  readonly onDispose?: () => void;
}

export interface GuardedBackend extends WebGPUBackend {
  /** Why the device cannot be used any more; `undefined` while it can. */
  readonly lost: ApoError | undefined;
  /** The adapter computes on the CPU. */
  readonly software: boolean;
}

type DataId = Parameters<WebGPUBackend['read']>[0];

/** What a synchronous read needs of the backend beside its public members. */
interface Internals {
  readonly tensorMap: {
    get(dataId: DataId): { values?: tf.BackendValues; dtype: tf.DataType; resource?: GPUBuffer } | undefined;
  };
  readonly bufferManager: {
    acquireBuffer(size: number, usage: GPUBufferUsageFlags): GPUBuffer;
    releaseBuffer(buffer: GPUBuffer): void;
  };
  readonly commandEncoder: GPUCommandEncoder;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  convertAndCacheOnCPU(dataId: DataId, values: tf.BackendValues): tf.BackendValues;
}

/** @param Base The class of `@tensorflow/tfjs-backend-webgpu`, which is loaded at run time. */
export function guardedBackend(
  Base: typeof WebGPUBackend,
  { device, info, poll, onLost, onDispose }: GuardOptions,
): GuardedBackend {
  class Guarded extends Base implements GuardedBackend {
    lost: ApoError | undefined;
    readonly software = info.software;
    /** The first error that WebGPU reported since the last reading. */
    private reported: GPUError | undefined;
    private released = false;

    constructor() {
      super(device, info as unknown as GPUAdapterInfo);
      device.addEventListener('uncapturederror', (event) => {
        this.reported ??= (event as GPUUncapturedErrorEvent).error;
      });
      void device.lost.then(({ reason, message }) => {
        if (this.released) return;
        this.lost = lostError(reason, message);
        onLost?.(this.lost);
      });
    }

    override runWebGPUProgram(
      ...args: Parameters<WebGPUBackend['runWebGPUProgram']>
    ): ReturnType<WebGPUBackend['runWebGPUProgram']> {
      this.requireDevice();
      return super.runWebGPUProgram(...args);
    }

    override uploadToGPU(dataId: DataId): void {
      this.requireDevice();
      super.uploadToGPU(dataId);
    }

    override async read(dataId: DataId): ReturnType<WebGPUBackend['read']> {
      this.requireDevice();
      // The tensor may be disposed while it is read; its data stay until then.
      this.incRef(dataId);
      try {
        const values = await super.read(dataId);
        this.requireDevice();
        this.requireNoError();
        return values;
      } catch (cause) {
        // The promise of the loss settles after the reading that the loss cut off.
        await new Promise((resolve) => setTimeout(resolve, 0));
        throw this.lost ?? cause;
      } finally {
        if (!this.released && this.disposeData(dataId)) tf.engine().removeDataId(dataId, this);
      }
    }

    override readSync(dataId: DataId): tf.BackendValues {
      this.requireDevice();
      const own = this as unknown as Internals;
      const { values, dtype, resource } = own.tensorMap.get(dataId) ?? {};
      if (
        poll === undefined ||
        values != null ||
        resource === undefined ||
        dtype === undefined ||
        dtype === 'complex64'
      )
        return super.readSync(dataId);
      const staging = own.bufferManager.acquireBuffer(
        resource.size,
        GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
      );
      own.ensureCommandEncoderReady();
      own.endComputePassEncoder();
      own.commandEncoder.copyBufferToBuffer(resource, 0, staging, 0, resource.size);
      this.submitQueue();
      let bytes: ArrayBuffer;
      try {
        bytes = poll.read(staging);
      } finally {
        own.bufferManager.releaseBuffer(staging);
      }
      this.requireNoError();
      return own.convertAndCacheOnCPU(dataId, tf.util.convertBackendValuesAndArrayBuffer(bytes, dtype));
    }

    override disposeData(dataId: DataId, force?: boolean): boolean {
      // After `dispose` its buffers are gone; tensors that outlive it may still be disposed.
      return this.released || super.disposeData(dataId, force);
    }

    override dispose(): void {
      if (this.released) return;
      this.released = true;
      super.dispose();
      device.destroy();
      onDispose?.();
    }

    private requireDevice(): void {
      if (this.lost !== undefined) throw this.lost;
    }

    private requireNoError(): void {
      const error = this.reported;
      this.reported = undefined;
      if (error !== undefined) throw reportedError(error);
    }
  }
  return new Guarded();
}

function lostError(reason: string | undefined, message: string): ApoError {
  const why =
    [reason === 'destroyed' ? 'destroyed' : '', message].filter(Boolean).join(', ') || 'no reason given';
  return new ApoError(
    'BACKEND_UNAVAILABLE',
    `The GPU device was lost (${why}), and with it every tensor on it. ` +
      'Activate an engine again, rebuild the model and the optimizer, and restore the last checkpoint.',
  );
}

function reportedError(error: GPUError): ApoError {
  // WebGPU appends where it happened, and whole lines of shaders.
  const what = error.message.replace(/\s+/g, ' ').trim().slice(0, 300);
  if (error.constructor.name === 'GPUOutOfMemoryError') {
    return new ApoError(
      'OUT_OF_MEMORY',
      `The GPU has no room for a tensor (${what}). Dispose tensors or use smaller batches; what was read is not to be relied on.`,
      { cause: error },
    );
  }
  return new ApoError(
    'BACKEND_UNAVAILABLE',
    `WebGPU refused a command (${what}); what was read is not to be relied on.`,
    { cause: error },
  );
}

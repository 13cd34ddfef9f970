/** Counts what a piece of work asks of WebGPU, by listening to the calls while the work is enqueued. Numbers of the process, not of one device. */
import * as tf from '@tensorflow/tfjs-core';
import type { StepCounts } from './subject.js';

export type Counts = Omit<StepCounts, 'heldBytes'>;

/** Of a bind group: a buffer or a part of one; textures and samplers have neither a buffer nor a usage of buffers. */
type Resource = Partial<GPUBufferBinding> & Partial<Pick<GPUBuffer, 'usage' | 'size'>>;

/** Runs `body` and counts until it is over. @throws ReferenceError where the process has no WebGPU. */
export async function countWork(body: () => Promise<void>): Promise<Counts> {
  const counts = { dispatches: 0, boundBytes: 0, copiedBytes: 0, readBacks: 0 };
  const sizes = new WeakMap<GPUBindGroup, number>();
  const current = new WeakMap<GPUComputePassEncoder, Map<number, number>>();
  const originals = {
    createBindGroup: GPUDevice.prototype.createBindGroup,
    setBindGroup: GPUComputePassEncoder.prototype.setBindGroup,
    dispatchWorkgroups: GPUComputePassEncoder.prototype.dispatchWorkgroups,
    copyBufferToBuffer: GPUCommandEncoder.prototype.copyBufferToBuffer,
    mapAsync: GPUBuffer.prototype.mapAsync,
  };
  GPUDevice.prototype.createBindGroup = function (descriptor) {
    const group = originals.createBindGroup.call(this, descriptor);
    let bytes = 0;
    for (const { resource } of descriptor.entries) bytes += storageBytes(resource as Resource);
    sizes.set(group, bytes);
    return group;
  };
  const setBindGroup = function (
    this: GPUComputePassEncoder,
    index: number,
    group: GPUBindGroup,
    ...offsets: readonly unknown[]
  ): void {
    const groups = current.get(this) ?? new Map<number, number>();
    current.set(this, groups.set(index, sizes.get(group) ?? 0));
    const original = originals.setBindGroup as (...all: readonly unknown[]) => void;
    original.call(this, index, group, ...offsets);
  };
  Object.assign(GPUComputePassEncoder.prototype, { setBindGroup });
  GPUComputePassEncoder.prototype.dispatchWorkgroups = function (...args) {
    counts.dispatches++;
    for (const bytes of current.get(this)?.values() ?? []) counts.boundBytes += bytes;
    originals.dispatchWorkgroups.apply(this, args);
  };
  const copyBufferToBuffer = function (this: GPUCommandEncoder, ...args: readonly unknown[]): void {
    // TensorFlow.js always gives the size; it comes last, with offsets or without.
    counts.copiedBytes += Number(args.at(-1));
    const original = originals.copyBufferToBuffer as (...all: readonly unknown[]) => void;
    original.call(this, ...args);
  };
  Object.assign(GPUCommandEncoder.prototype, { copyBufferToBuffer });
  GPUBuffer.prototype.mapAsync = function (...args) {
    counts.readBacks++;
    return originals.mapAsync.apply(this, args);
  };
  try {
    await body();
  } finally {
    const { createBindGroup, dispatchWorkgroups, mapAsync } = originals;
    Object.assign(GPUDevice.prototype, { createBindGroup });
    Object.assign(GPUComputePassEncoder.prototype, {
      setBindGroup: originals.setBindGroup,
      dispatchWorkgroups,
    });
    Object.assign(GPUCommandEncoder.prototype, { copyBufferToBuffer: originals.copyBufferToBuffer });
    Object.assign(GPUBuffer.prototype, { mapAsync });
  }
  return counts;
}

/** Bytes of all buffers of the backend `webgpu`, in use or kept to be used again. */
export function heldBytes(): number {
  const { bufferManager } = tf.backend() as {
    readonly bufferManager?: { readonly numBytesAllocated: number };
  };
  return bufferManager?.numBytesAllocated ?? 0;
}

function storageBytes({ buffer, size, usage = buffer?.usage ?? 0 }: Resource): number {
  return (usage & GPUBufferUsage.STORAGE) === 0 ? 0 : (size ?? buffer?.size ?? 0);
}

/** How long the GPU computes, by timestamp queries around every dispatch: without what happens between them, and without the CPU. */
import { ApoError, requireInteger } from '@apo/core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';

export interface GpuTimeOptions {
  /** Measurements, ≥ 1, of which the median counts, after one that compiles. Default 5. */
  readonly repeats?: number;
}

/** Whether the backend in use can measure: it is `webgpu`, and its device has `timestamp-query`. */
export function canTimeGpu(): boolean {
  return (
    tf.getBackend() === 'webgpu' &&
    (tf.backend() as unknown as WebGPUBackend).device.features.has('timestamp-query')
  );
}

/**
 * Milliseconds that the dispatches of `body` take together; what it returns is disposed. Pages may round timestamps to a tenth of a millisecond: measure more work at
 * once there. In Node the adapter has Dawn give them exactly, unless `dawnOptions` say otherwise of Dawn's features.
 * @throws ApoError `UNSUPPORTED` where `canTimeGpu()` is false; `INVALID_ARGUMENT` for `repeats`.
 */
export async function gpuTime(
  body: () => tf.TensorContainer,
  { repeats = 5 }: GpuTimeOptions = {},
): Promise<number> {
  requireInteger('repeats', repeats, 1);
  requireTimer();
  await timeOnce(body);
  const times: number[] = [];
  for (let i = 0; i < repeats; i++) times.push(await timeOnce(body));
  return median(times);
}

/** One measurement, without compiling anything before. */
export async function timeOnce(body: () => tf.TensorContainer): Promise<number> {
  const { kernelMs } = await tf.time(() => {
    tf.dispose(tf.tidy(body));
  });
  return kernelMs as number;
}

export function requireTimer(): void {
  if (canTimeGpu()) return;
  throw new ApoError(
    'UNSUPPORTED',
    `The backend '${tf.getBackend()}' has no timestamp queries; activate webgpuBackend() on an adapter with 'timestamp-query' (apo doctor lists its features).`,
  );
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

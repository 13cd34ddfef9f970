/**
 * Conv2DBackpropFilter on the heap: dw[u,v,c,o] = Σ over n,i,j of x[n, i·s+u·d−p, j·s+v·d−p, c] · dy[n,i,j,o]. Threads share the
 * output's channels, so every element is one sum over the batch in its order.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { Geometry } from '../../geometry.js';
import { job, parallelFor, splitRange, threadCount } from '../../threads/parallel.js';
import type { NativeFunctions } from '../modules.generated.js';
import { pointerTo } from '../pointers.js';
import { scratch } from '../scratch.js';
import { GRAIN, PANEL, TILE_BYTES, coverBytes, wholeLines, windowArguments, windowsOf } from './cover.js';
import { smallWindows, winogradFilterGradient } from './winograd.js';

/** Where `filterGradient` takes its working space among its arguments. */
const WORK = 21;

/** Writes the gradient with respect to the filter into `dw`; none of the tensors is empty. */
export function filterGradient(
  backend: BackendWasm,
  native: NativeFunctions,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  geometry: Geometry,
  dw: tf.TensorInfo,
): void {
  const small = smallWindows(geometry, pointerTo(backend, x), pointerTo(backend, dy));
  if (small !== undefined && winogradFilterGradient(backend, native, small, pointerTo(backend, dw))) return;
  const { batch, inChannels, outChannels, height, width } = geometry;
  const windows = windowsOf(geometry);
  const positions = height.output * width.output;
  const bytes = wholeLines(
    TILE_BYTES + coverBytes(inChannels, windows.rows, windows.columns) + 4 * PANEL * positions,
  );
  const work = scratch(backend, 'image', bytes * threadCount(backend));
  const perChannel = batch * positions * height.window * width.window * inChannels;
  const parts = splitRange(backend, outChannels, { grain: Math.max(8, GRAIN / perChannel), multiple: 8 });
  const jobs = parts.map(({ start, end }) => ({
    ...job(
      'filterGradient',
      batch,
      pointerTo(backend, x),
      ...windowArguments(windows),
      height.output,
      width.output,
      end - start,
      4 * outChannels,
      pointerTo(backend, dy) + 4 * start,
      pointerTo(backend, dw) + 4 * start,
      work,
      false,
    ),
    workspace: { argument: WORK, bytes },
  }));
  parallelFor(backend, jobs);
}

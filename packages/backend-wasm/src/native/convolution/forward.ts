/** Conv2D on the heap: y[n,i,j,o] = Σ over u,v,c of x[n, i·s+u·d−p, j·s+v·d−p, c] · w[u,v,c,o]; threads share the batch. */
import type * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { Geometry } from '../../geometry.js';
import { job, parallelFor, splitRange, threadCount } from '../../threads/parallel.js';
import type { NativeFunctions } from '../modules.generated.js';
import { pointerTo } from '../pointers.js';
import { scratch } from '../scratch.js';
import { GRAIN, PANEL, TILE_BYTES, coverBytes, wholeLines, windowArguments, windowsOf } from './cover.js';
import type { Windows } from './cover.js';
import { smallWindows, winogradConvolve } from './winograd.js';

/** Writes the convolution of `x` with `filter`, finished by `epilogue` (`epilogueOf`), into `y`; none of them is empty. */
export function convolve(
  backend: BackendWasm,
  native: NativeFunctions,
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  geometry: Geometry,
  y: tf.TensorInfo,
  epilogue: number,
): void {
  const { batch, inChannels, outChannels, height, width } = geometry;
  const small = smallWindows(geometry, pointerTo(backend, x), pointerTo(backend, y));
  if (
    small !== undefined &&
    winogradConvolve(backend, native, small, pointerTo(backend, filter), false, epilogue)
  )
    return;
  const features = height.window * width.window * inChannels;
  const panelBytes = 4 * PANEL * features;
  const panels = scratch(backend, 'filter', panelBytes * Math.ceil(outChannels / PANEL));
  native.packB(pointerTo(backend, filter), 4 * outChannels, features, outChannels, panels, panelBytes);
  convolvePacked(backend, {
    images: batch,
    x: pointerTo(backend, x),
    ...windowsOf(geometry),
    panels,
    output: [height.output, width.output],
    outChannels,
    y: pointerTo(backend, y),
    yImageBytes: 4 * outChannels * height.output * width.output,
    yDownBytes: 4 * outChannels * width.output,
    yRightBytes: 4 * outChannels,
    epilogue,
  });
}

/** A convolution as `assembly/convolution.ts` takes it: addresses, and bytes between images, rows and pixels of the output. */
export interface PackedConvolution extends Windows {
  readonly images: number;
  readonly x: number;
  readonly panels: number;
  readonly output: readonly [number, number];
  readonly outChannels: number;
  readonly y: number;
  readonly yImageBytes: number;
  readonly yDownBytes: number;
  readonly yRightBytes: number;
  /** What is done to y in the end, as `epilogueOf` gives it; default nothing. */
  readonly epilogue?: number;
}

/** Where `convolve` takes its working space among its arguments. */
const WORK = 24;

/** Runs it, with the filter in panels. */
export function convolvePacked(backend: BackendWasm, convolution: PackedConvolution): void {
  const { images, channels, rows, columns, window, output, outChannels } = convolution;
  const bytes = wholeLines(TILE_BYTES + coverBytes(channels, rows, columns));
  const work = scratch(backend, 'image', bytes * threadCount(backend));
  const perImage = output[0] * output[1] * window[0] * window[1] * channels * outChannels;
  const jobs = splitRange(backend, images, { grain: Math.max(1, GRAIN / perImage) }).map(
    ({ start, end }) => ({
      ...job(
        'convolve',
        end - start,
        convolution.x + 4 * start * rows.input * columns.input * channels,
        ...windowArguments(convolution),
        convolution.panels,
        ...output,
        outChannels,
        convolution.y + start * convolution.yImageBytes,
        convolution.yImageBytes,
        convolution.yDownBytes,
        convolution.yRightBytes,
        convolution.epilogue ?? 0,
        work,
        false,
      ),
      workspace: { argument: WORK, bytes },
    }),
  );
  parallelFor(backend, jobs);
}

/** Depthwise convolutions with one output for each channel on the heap, and their gradients; threads share the batch. */
import type * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { Geometry } from '../../geometry.js';
import { allocate, floats, release } from '../../heap.js';
import { job, parallelFor, splitRange, threadCount } from '../../threads/parallel.js';
import type { NativeFunctions } from '../modules.generated.js';
import { pointerTo } from '../pointers.js';
import { scratch } from '../scratch.js';
import { GRAIN, coverBytes, wholeLines, windowArguments, windowsOf } from './cover.js';
import type { PackedConvolution } from './forward.js';
import { phasePairs } from './phases.js';

/** Where `depthwise` takes its working space among its arguments. */
const WORK = 22;

/** Writes the depthwise convolution of `x` with `filter` `[fh, fw, c, 1]` into `y`; none of them is empty. */
export function depthwise(
  backend: BackendWasm,
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  geometry: Geometry,
  y: tf.TensorInfo,
): void {
  const { batch, inChannels, height, width } = geometry;
  runDepthwise(backend, pointerTo(backend, filter), {
    images: batch,
    x: pointerTo(backend, x),
    ...windowsOf(geometry),
    output: [height.output, width.output],
    y: pointerTo(backend, y),
    yImageBytes: 4 * inChannels * height.output * width.output,
    yDownBytes: 4 * inChannels * width.output,
    yRightBytes: 4 * inChannels,
  });
}

/** Writes the gradient with respect to the input into `dx`; none of the tensors is empty. */
export function depthwiseInputGradient(
  backend: BackendWasm,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  { batch, inChannels, height, width }: Geometry,
  dx: tf.TensorInfo,
): void {
  const { pairs, complete } = phasePairs(height, width);
  const rotated = allocate(backend, filter.shape);
  if (!complete) floats(backend, dx).fill(0);
  for (const { rows, columns } of pairs) {
    const taps = rows.taps.flatMap((u) => columns.taps.map((v) => u * width.window + v));
    const [source, target] = [floats(backend, filter), floats(backend, rotated)];
    taps.forEach((tap, at) => {
      target.set(source.subarray(tap * inChannels, (tap + 1) * inChannels), at * inChannels);
    });
    const firstPixel = rows.first * width.input + columns.first;
    runDepthwise(backend, pointerTo(backend, rotated), {
      images: batch,
      x: pointerTo(backend, dy),
      channels: inChannels,
      rows: rows.cover,
      columns: columns.cover,
      strides: [1, 1],
      window: [rows.taps.length, columns.taps.length],
      dilations: [height.dilation, width.dilation],
      output: [rows.count, columns.count],
      y: pointerTo(backend, dx) + 4 * inChannels * firstPixel,
      yImageBytes: 4 * inChannels * height.input * width.input,
      yDownBytes: 4 * inChannels * width.input * height.stride,
      yRightBytes: 4 * inChannels * width.stride,
    });
  }
  release(backend, rotated);
}

function runDepthwise(
  backend: BackendWasm,
  filter: number,
  convolution: Omit<PackedConvolution, 'panels' | 'outChannels'>,
): void {
  const { images, channels, rows, columns, window, output } = convolution;
  const bytes = wholeLines(coverBytes(channels, rows, columns));
  const work = scratch(backend, 'image', bytes * threadCount(backend));
  const perImage = output[0] * output[1] * window[0] * window[1] * channels;
  const jobs = splitRange(backend, images, { grain: Math.max(1, GRAIN / perImage) }).map(
    ({ start, end }) => ({
      ...job(
        'depthwise',
        end - start,
        convolution.x + 4 * start * rows.input * columns.input * channels,
        ...windowArguments(convolution),
        filter,
        ...output,
        convolution.y + start * convolution.yImageBytes,
        convolution.yImageBytes,
        convolution.yDownBytes,
        convolution.yRightBytes,
        work,
      ),
      workspace: { argument: WORK, bytes },
    }),
  );
  parallelFor(backend, jobs);
}

/** Writes the gradient with respect to the filter into `dw`, on one thread; none of the tensors is empty. */
export function depthwiseFilterGradient(
  backend: BackendWasm,
  native: NativeFunctions,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  geometry: Geometry,
  dw: tf.TensorInfo,
): void {
  const { batch, height, width } = geometry;
  const windows = windowsOf(geometry);
  const work = scratch(backend, 'image', coverBytes(windows.channels, windows.rows, windows.columns));
  native.depthwiseFilterGradient(
    batch,
    pointerTo(backend, x),
    ...windowArguments(windows),
    height.output,
    width.output,
    pointerTo(backend, dy),
    pointerTo(backend, dw),
    work,
  );
}

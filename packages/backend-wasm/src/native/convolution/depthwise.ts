/**
 * Depthwise convolutions on the heap, with any number of outputs for each channel, and their gradients. Threads share the batch,
 * and for the filter's gradient the output's channels, so that every element of it is one sum over the batch in its order.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { Geometry } from '../../geometry.js';
import { allocate, floats, release } from '../../heap.js';
import { job, parallelFor, splitRange, threadCount } from '../../threads/parallel.js';
import { pointerTo } from '../pointers.js';
import { scratch } from '../scratch.js';
import { GRAIN, coverBytes, wholeLines, windowArguments, windowsOf } from './cover.js';
import type { PackedConvolution } from './forward.js';
import { phasePairs } from './phases.js';

/** Where `depthwise` takes its working space among its arguments. */
const WORK = 24;
/** Bytes that `depthwise` may overwrite behind a covered image. */
const OVERRUN = 12;

/** A depthwise convolution as `assembly/depthwise.ts` takes it; one of `repeat` and `depth` is 1. */
interface DepthwiseConvolution extends Omit<PackedConvolution, 'panels' | 'outChannels'> {
  /** Outputs for each channel. */
  readonly repeat: number;
  /** Channels for each output. */
  readonly depth: number;
}

/** Writes the depthwise convolution of `x` with `filter` `[fh, fw, c, q]` into `y`; none of them is empty. */
export function depthwise(
  backend: BackendWasm,
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  geometry: Geometry,
  y: tf.TensorInfo,
): void {
  const { batch, inChannels, outChannels, height, width } = geometry;
  runDepthwise(backend, pointerTo(backend, filter), {
    images: batch,
    x: pointerTo(backend, x),
    ...windowsOf(geometry),
    repeat: outChannels / inChannels,
    depth: 1,
    output: [height.output, width.output],
    y: pointerTo(backend, y),
    yImageBytes: 4 * outChannels * height.output * width.output,
    yDownBytes: 4 * outChannels * width.output,
    yRightBytes: 4 * outChannels,
  });
}

/** Writes the gradient with respect to the input into `dx`; none of the tensors is empty. */
export function depthwiseInputGradient(
  backend: BackendWasm,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  { batch, inChannels, outChannels, height, width }: Geometry,
  dx: tf.TensorInfo,
): void {
  const depth = outChannels / inChannels;
  const { pairs, complete } = phasePairs(height, width);
  const rotated = allocate(backend, filter.shape);
  if (!complete) floats(backend, dx).fill(0);
  for (const { rows, columns } of pairs) {
    const taps = rows.taps.flatMap((u) => columns.taps.map((v) => u * width.window + v));
    chooseTaps(floats(backend, filter), taps, inChannels, depth, floats(backend, rotated));
    const firstPixel = rows.first * width.input + columns.first;
    runDepthwise(backend, pointerTo(backend, rotated), {
      images: batch,
      x: pointerTo(backend, dy),
      channels: outChannels,
      rows: rows.cover,
      columns: columns.cover,
      strides: [1, 1],
      window: [rows.taps.length, columns.taps.length],
      dilations: [height.dilation, width.dilation],
      repeat: 1,
      depth,
      output: [rows.count, columns.count],
      y: pointerTo(backend, dx) + 4 * inChannels * firstPixel,
      yImageBytes: 4 * inChannels * height.input * width.input,
      yDownBytes: 4 * inChannels * width.input * height.stride,
      yRightBytes: 4 * inChannels * width.stride,
    });
  }
  release(backend, rotated);
}

/** Some elements of a filter `[fh·fw, channels, depth]`, in the order of `taps` and with `depth` before the channels. */
function chooseTaps(
  filter: Float32Array,
  taps: readonly number[],
  channels: number,
  depth: number,
  chosen: Float32Array,
): void {
  const size = channels * depth;
  taps.forEach((tap, at) => {
    const from = filter.subarray(tap * size, (tap + 1) * size);
    if (depth === 1) chosen.set(from, at * size);
    else {
      for (let q = 0, to = at * size; q < depth; q++) {
        for (let c = 0; c < channels; c++) chosen[to++] = from[c * depth + q]!;
      }
    }
  });
}

function runDepthwise(backend: BackendWasm, filter: number, convolution: DepthwiseConvolution): void {
  const { images, channels, rows, columns, window, repeat, depth, output } = convolution;
  const bytes =
    repeat * depth === 1
      ? wholeLines(coverBytes(channels, rows, columns))
      : wholeLines(4 * channels * repeat * rows.extent * columns.extent + OVERRUN);
  const work = scratch(backend, 'image', bytes * threadCount(backend));
  const perImage = output[0] * output[1] * window[0] * window[1] * channels * repeat;
  const jobs = splitRange(backend, images, { grain: Math.max(1, GRAIN / perImage) }).map(
    ({ start, end }) => ({
      ...job(
        'depthwise',
        end - start,
        convolution.x + 4 * start * rows.input * columns.input * channels,
        ...windowArguments(convolution),
        repeat,
        depth,
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

/** Writes the gradient with respect to the filter into `dw`; none of the tensors is empty. */
export function depthwiseFilterGradient(
  backend: BackendWasm,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  geometry: Geometry,
  dw: tf.TensorInfo,
): void {
  const { batch, inChannels, outChannels, height, width } = geometry;
  const perChannel = batch * height.output * width.output * height.window * width.window;
  const parts = splitRange(backend, outChannels, { grain: Math.max(16, GRAIN / perChannel), multiple: 16 });
  const jobs = parts.map(({ start, end }) =>
    job(
      'depthwiseFilterGradient',
      batch,
      pointerTo(backend, x),
      height.input,
      width.input,
      inChannels,
      -height.pad,
      -width.pad,
      height.stride,
      width.stride,
      height.window,
      width.window,
      height.dilation,
      width.dilation,
      outChannels / inChannels,
      height.output,
      width.output,
      pointerTo(backend, dy),
      pointerTo(backend, dw),
      start,
      end,
    ),
  );
  parallelFor(backend, jobs);
}

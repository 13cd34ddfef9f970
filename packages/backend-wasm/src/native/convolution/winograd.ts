/**
 * Convolutions with 3×3 windows at stride 1 by Winograd's minimal filtering (`assembly/winograd.ts`), which takes 4/9 of the
 * multiplications. Where a result is not finite, which element is not means nothing, so the direct way has to be taken then.
 */
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { Geometry } from '../../geometry.js';
import { memoryOf } from '../module.js';
import { job, parallelFor, splitRange, threadCount } from '../../threads/parallel.js';
import type { NativeFunctions } from '../modules.generated.js';
import { scratch } from '../scratch.js';
import { GRAIN, PANEL, TILE_BYTES, wholeLines } from './cover.js';

/** A convolution with 3×3 windows at stride 1: x `[images, height, width, channels]`, y `[images, …output, outChannels]`, addresses. */
export interface SmallWindows {
  readonly images: number;
  readonly x: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** The pixel of x that the first window begins with. */
  readonly top: number;
  readonly left: number;
  readonly output: readonly [number, number];
  readonly outChannels: number;
  readonly y: number;
}

/** Channels on either side below which transforming costs more than it saves. */
const FEW_CHANNELS = 16;
/** Tiles below which transforming the filter costs more than it saves. */
const FEW_TILES = 64;
/** Bytes of transformed tiles that are worked on at once: what is read again lies in the second-level cache. */
const BLOCK = 393_216;
/** Bytes between planes. */
const GAP = 64;

/** The convolution where it can be computed this way, and that is faster; else `undefined`. */
export function smallWindows(
  { batch, inChannels, outChannels, height, width }: Geometry,
  x: number,
  y: number,
): SmallWindows | undefined {
  const axes = [height, width];
  const fits =
    axes.every(({ window, stride, dilation }) => window === 3 && stride === 1 && dilation === 1) &&
    [inChannels, outChannels].every((count) => count % 4 === 0 && count >= FEW_CHANNELS) &&
    batch * Math.ceil(height.output / 2) * Math.ceil(width.output / 2) >= FEW_TILES;
  if (!fits) return undefined;
  return {
    images: batch,
    x,
    height: height.input,
    width: width.input,
    channels: inChannels,
    top: -height.pad,
    left: -width.pad,
    output: [height.output, width.output],
    outChannels,
    y,
  };
}

/** Its adjoint, from dy at `dy` to dx at `dx`: a convolution of dy with the filter turned by 180°. */
export function adjointOf(convolution: SmallWindows, dy: number, dx: number): SmallWindows {
  const { height, width, channels, top, left, output, outChannels } = convolution;
  return {
    images: convolution.images,
    x: dy,
    height: output[0],
    width: output[1],
    channels: outChannels,
    top: -top - 2,
    left: -left - 2,
    output: [height, width],
    outChannels: channels,
    y: dx,
  };
}

/**
 * Writes y, from the filter `[3, 3, channels, outChannels]` at the address `filter`, or from `[3, 3, outChannels, channels]` turned
 * by 180°, and finishes it by `epilogue` (`epilogueOf`); false where an element is not finite, and y is to be computed another way.
 */
export function winogradConvolve(
  backend: BackendWasm,
  native: NativeFunctions,
  convolution: SmallWindows,
  filter: number,
  turned: boolean,
  epilogue: number,
): boolean {
  const { channels, outChannels } = convolution;
  const panelCount = Math.ceil(outChannels / PANEL);
  const planeBytes = 4 * channels * outChannels;
  const panelBytes = 4 * PANEL * channels;
  const planes = scratch(backend, 'filter planes', 16 * planeBytes + 192);
  const panels = scratch(backend, 'filter', 16 * panelCount * panelBytes);
  const step = turned ? -planeBytes : planeBytes;
  native.winogradFilter(
    turned ? filter + 8 * planeBytes : filter,
    3 * step,
    step,
    channels * outChannels,
    planes,
    planeBytes,
    planes + 16 * planeBytes,
  );
  for (let plane = 0; plane < 16; plane++) {
    const from = planes + plane * planeBytes;
    const to = panels + plane * panelCount * panelBytes;
    if (turned) native.packTransposedB(from, 4 * channels, channels, outChannels, to, panelBytes);
    else native.packB(from, 4 * outChannels, channels, outChannels, to, panelBytes);
  }
  const { parts, work, bytes } = splitImages(backend, convolution);
  const verdicts = scratch(backend, 'verdicts', 4 * parts.length);
  const jobs = parts.map((part, i) => ({
    ...job('winogradConvolve', ...part, panels, epilogue, verdicts + 4 * i, work, false),
    workspace: { argument: part.length + 3, bytes },
  }));
  parallelFor(backend, jobs);
  return new Float32Array(memoryOf(backend).buffer, verdicts, parts.length).every((verdict) => verdict === 0);
}

/**
 * Writes the gradient with respect to the filter `[3, 3, channels, outChannels]`, with dy in the place of y, to `dw`; false where an
 * element is not finite, and it is to be computed another way. Threads share the batch, and their sums are added in its order.
 */
export function winogradFilterGradient(
  backend: BackendWasm,
  native: NativeFunctions,
  convolution: SmallWindows,
  dw: number,
): boolean {
  const count = convolution.channels * convolution.outChannels;
  const { parts, work, bytes } = splitImages(backend, convolution);
  const sums = scratch(backend, 'filter planes', 64 * count * parts.length);
  const jobs = parts.map((part, i) => ({
    ...job('winogradFilterPlanes', ...part, sums + 64 * count * i, work, false),
    workspace: { argument: part.length + 1, bytes },
  }));
  parallelFor(backend, jobs);
  return native.winogradFilterGradient(sums, 4 * count, parts.length, count, dw, work) === 0;
}

/** The arguments that both functions of our module begin with. */
type BlockArguments = readonly [
  images: number,
  x: number,
  height: number,
  width: number,
  channels: number,
  top: number,
  left: number,
  outHeight: number,
  outWidth: number,
  outChannels: number,
  y: number,
  rowsAtOnce: number,
];

/** For each part of the batch its arguments, and working space of `bytes` bytes for each thread. */
function splitImages(
  backend: BackendWasm,
  { images, x, height, width, channels, top, left, output, outChannels, y }: SmallWindows,
): { readonly parts: readonly BlockArguments[]; readonly work: number; readonly bytes: number } {
  const [down, across] = [Math.ceil(output[0] / 2), Math.ceil(output[1] / 2)];
  const perRow = 4 * 16 * across * (channels + PANEL * Math.ceil(outChannels / PANEL));
  const rowsAtOnce = Math.max(1, Math.min(images * down, Math.floor(BLOCK / perRow)));
  const cover = 4 * channels * (2 * across + 2) * (2 * rowsAtOnce + 6);
  const bytes = wholeLines(TILE_BYTES + cover + rowsAtOnce * perRow + 32 * GAP);
  const perImage = 16 * down * across * channels * outChannels;
  const parts = splitRange(backend, images, { grain: Math.max(1, GRAIN / perImage) }).map(
    ({ start, end }): BlockArguments => [
      end - start,
      x + 4 * start * height * width * channels,
      height,
      width,
      channels,
      top,
      left,
      ...output,
      outChannels,
      y + 4 * start * output[0] * output[1] * outChannels,
      rowsAtOnce,
    ],
  );
  return { parts, work: scratch(backend, 'image', bytes * threadCount(backend)), bytes };
}

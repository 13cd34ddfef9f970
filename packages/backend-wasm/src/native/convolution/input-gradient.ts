/**
 * Conv2DBackpropInput on the heap: dx[n,h,w,c] = Σ of dy[n,i,j,o] · filter[u,v,c,o] over all (i, u) with i·s + u·d − p = h and (j, v)
 * likewise: for each pair of phases (`phases.ts`) a convolution of dy with a part of the rotated filter; or, for 3×3 windows at stride 1,
 * by Winograd's minimal filtering.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { Geometry } from '../../geometry.js';
import { floats } from '../../heap.js';
import type { NativeFunctions } from '../modules.generated.js';
import { pointerTo } from '../pointers.js';
import { scratch } from '../scratch.js';
import { PANEL } from './cover.js';
import { convolvePacked } from './forward.js';
import { phasePairs } from './phases.js';
import { adjointOf, smallWindows, winogradConvolve } from './winograd.js';

/** Writes the gradient with respect to the input into `dx`; none of the tensors is empty. */
export function inputGradient(
  backend: BackendWasm,
  native: NativeFunctions,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  geometry: Geometry,
  dx: tf.TensorInfo,
): void {
  const { batch, height, width, inChannels, outChannels } = geometry;
  const small = smallWindows(geometry, 0, 0);
  if (small !== undefined) {
    const adjoint = adjointOf(small, pointerTo(backend, dy), pointerTo(backend, dx));
    if (winogradConvolve(backend, native, adjoint, pointerTo(backend, filter), true, 0)) return;
  }
  const { pairs, complete } = phasePairs(height, width);
  if (!complete) floats(backend, dx).fill(0);
  const panels = Math.ceil(inChannels / PANEL);
  const panelBytes = 4 * PANEL * outChannels * height.window * width.window;
  const packed = scratch(backend, 'filter', panelBytes * panels);
  for (const { rows, columns } of pairs) {
    packRotated(native, pointerTo(backend, filter), geometry, rows.taps, columns.taps, packed);
    const firstPixel = rows.first * width.input + columns.first;
    convolvePacked(backend, {
      images: batch,
      x: pointerTo(backend, dy),
      channels: outChannels,
      rows: rows.cover,
      columns: columns.cover,
      strides: [1, 1],
      window: [rows.taps.length, columns.taps.length],
      dilations: [height.dilation, width.dilation],
      panels: packed,
      output: [rows.count, columns.count],
      outChannels: inChannels,
      y: pointerTo(backend, dx) + 4 * inChannels * firstPixel,
      yImageBytes: 4 * inChannels * height.input * width.input,
      yDownBytes: 4 * inChannels * width.input * height.stride,
      yRightBytes: 4 * inChannels * width.stride,
    });
  }
}

/** The chosen elements of the filter `[fh, fw, c, o]` as panels of `[taps, o]`×`[c]`. */
function packRotated(
  native: NativeFunctions,
  filter: number,
  { inChannels, outChannels, width }: Geometry,
  rows: readonly number[],
  columns: readonly number[],
  packed: number,
): void {
  const panelBytes = 4 * PANEL * outChannels * rows.length * columns.length;
  let to = packed;
  for (const u of rows) {
    for (const v of columns) {
      const from = filter + 4 * (u * width.window + v) * inChannels * outChannels;
      native.packTransposedB(from, 4 * outChannels, outChannels, inChannels, to, panelBytes);
      to += 4 * PANEL * outChannels;
    }
  }
}

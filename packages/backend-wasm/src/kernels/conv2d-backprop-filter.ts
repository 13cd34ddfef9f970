/**
 * Conv2DBackpropFilter, missing in tfjs-wasm: dW[u,v,c,o] = Σ over n,i,j of x[n, i·s+u−p, j·s+v−p, c] · dy[n,i,j,o]: by our
 * own module, or, where it is off, as
 * products of the unfolded input [fh·fw·c, positions] with dy [positions, o]. With the batch innermost in memory, the
 * unfolded rows are long runs of the input, so unfolding is block copies; it is done a few output rows at a time.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { convolutionGeometry, isPointwise, outputRange } from '../geometry.js';
import type { ConvolutionAttributes, Geometry } from '../geometry.js';
import { allocate, floats, openWindow, release, releaseWindow, reshaped, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { multiply, multiplyInto } from '../matrix-product.js';
import { filterGradient } from '../native/convolution/filter-gradient.js';
import { nativeFunctions } from '../native/module.js';
import { stockKernels } from '../stock.js';

/** Elements of the unfolded input held at once: 1 MB, about a second-level cache. */
const CHUNK = 262_144;

interface Attributes extends ConvolutionAttributes {
  readonly filterShape: number[];
}

export const conv2dBackpropFilter = defineKernel<{ x: tf.TensorInfo; dy: tf.TensorInfo }, Attributes>(
  'Conv2DBackpropFilter',
  ({ inputs: { x, dy }, attrs, backend }) => {
    const geometry = convolutionGeometry(x.shape, attrs.filterShape, dy.shape, attrs, false);
    const { batch, inChannels, outChannels, height, width } = geometry;
    if (isPointwise(geometry)) {
      const rows = batch * height.input * width.input;
      const product = multiply(
        backend,
        { tensor: x, rows, columns: inChannels, transpose: true },
        { tensor: dy, rows, columns: outChannels, transpose: false },
      );
      return reshaped(product, attrs.filterShape);
    }
    const native = nativeFunctions(backend);
    if (native === undefined) return unfoldedProducts(backend, x, dy, geometry, attrs.filterShape);
    const output = allocate(backend, attrs.filterShape);
    if (sizeOf(x.shape) * sizeOf(dy.shape) === 0) floats(backend, output).fill(0);
    else filterGradient(backend, native, x, dy, geometry, output);
    return output;
  },
);

function unfoldedProducts(
  backend: BackendWasm,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  geometry: Geometry,
  filterShape: readonly number[],
): tf.TensorInfo {
  const { batch, inChannels, outChannels, height, width } = geometry;
  const features = height.window * width.window * inChannels;
  const rowSize = width.output * batch;
  const rowsAtOnce = Math.max(1, Math.min(height.output, Math.floor(CHUNK / (features * rowSize))));
  const images = allocate(backend, [inChannels, height.input, width.input, batch]);
  batchInnermost(floats(backend, x), floats(backend, images), geometry);
  // [n, i·j, o] to [i·j, n, o]: the positions in the order of the unfolded input.
  const upstream = stockKernels.run(
    'Transpose',
    { x: reshaped(dy, [batch, height.output * width.output, outChannels]) },
    backend,
    { perm: [1, 0, 2] },
  );
  const unfolded = allocate(backend, [features, rowsAtOnce * rowSize]);
  const part = allocate(backend, [features, outChannels]);
  const sums = new Float64Array(features * outChannels);
  for (let top = 0; top < height.output; top += rowsAtOnce) {
    const bottom = Math.min(height.output, top + rowsAtOnce);
    const positions = (bottom - top) * rowSize;
    unfold(floats(backend, images), floats(backend, unfolded), geometry, top, bottom);
    const window = openWindow(backend, upstream, top * rowSize * outChannels, [positions, outChannels]);
    multiplyInto(
      backend,
      { tensor: unfolded, rows: features, columns: positions, transpose: false },
      { tensor: window, rows: positions, columns: outChannels, transpose: false },
      part,
    );
    releaseWindow(backend, window);
    const values = floats(backend, part);
    for (let i = 0; i < sums.length; i++) sums[i]! += values[i]!;
  }
  release(backend, images, upstream, unfolded, part);
  const output = allocate(backend, filterShape);
  floats(backend, output).set(sums);
  return output;
}

/** [n, h, w, c] to [c, h, w, n], in blocks that stay in the cache. */
function batchInnermost(
  x: Float32Array,
  images: Float32Array,
  { batch, inChannels, height, width }: Geometry,
): void {
  const block = 32;
  const pixels = height.input * width.input;
  const size = pixels * inChannels;
  for (let top = 0; top < batch; top += block) {
    const bottom = Math.min(batch, top + block);
    for (let left = 0; left < size; left += block) {
      const right = Math.min(size, left + block);
      for (let at = left; at < right; at++) {
        const pixel = Math.floor(at / inChannels);
        const to = ((at - pixel * inChannels) * pixels + pixel) * batch;
        for (let n = top; n < bottom; n++) images[to + n] = x[n * size + at]!;
      }
    }
  }
}

/** The rows (u, v, c) of the unfolded input for output rows `[top, bottom)`, columns in the order (i, j, n). */
function unfold(
  images: Float32Array,
  unfolded: Float32Array,
  geometry: Geometry,
  top: number,
  bottom: number,
): void {
  const { batch, inChannels, height, width } = geometry;
  const rowSize = width.output * batch;
  let to = 0;
  for (let u = 0; u < height.window; u++) {
    const rows = outputRange(height, u);
    for (let v = 0; v < width.window; v++) {
      const columns = outputRange(width, v);
      for (let c = 0; c < inChannels; c++) {
        for (let i = top; i < bottom; i++, to += rowSize) {
          if (i < rows.from || i >= rows.to || columns.from === columns.to) {
            unfolded.fill(0, to, to + rowSize);
            continue;
          }
          const row = (c * height.input + i * height.stride + u - height.pad) * width.input;
          const first = to + columns.from * batch;
          const end = to + columns.to * batch;
          unfolded.fill(0, to, first);
          unfolded.fill(0, end, to + rowSize);
          let from = (row + columns.from * width.stride + v - width.pad) * batch;
          if (width.stride === 1) {
            unfolded.set(images.subarray(from, from + end - first), first);
            continue;
          }
          for (let at = first; at < end; at += batch, from += width.stride * batch) {
            if (batch < 24) for (let n = 0; n < batch; n++) unfolded[at + n] = images[from + n]!;
            else unfolded.set(images.subarray(from, from + batch), at);
          }
        }
      }
    }
  }
}

/**
 * Conv2DBackpropInput (the stock kernel is right, but a scalar loop at 3–5 GFLOP/s). At stride 1 it is a convolution of dy
 * with the filter rotated by 180° and its channels swapped; otherwise dy·Wᵀ gives the gradient of the unfolded input, which
 * is added back where it was read.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { adjointPadding, convolutionGeometry, isPointwise, windowRange } from '../geometry.js';
import type { ConvolutionAttributes, Geometry } from '../geometry.js';
import { allocate, floats, openWindow, release, releaseWindow, reshaped, sizeOf } from '../heap.js';
import { defineKernel } from '../kernel.js';
import { multiply, multiplyInto } from '../matrix-product.js';
import { inputGradient } from '../native/convolution/input-gradient.js';
import { nativeFunctions } from '../native/module.js';
import { stockKernels } from '../stock.js';
import { transposeInto } from '../transpose2d.js';

/** Elements of the unfolded gradient held at once: 1 MB, about a second-level cache. */
const CHUNK = 262_144;

interface Attributes extends ConvolutionAttributes {
  readonly inputShape: number[];
}

export const conv2dBackpropInput = defineKernel<{ dy: tf.TensorInfo; filter: tf.TensorInfo }, Attributes>(
  'Conv2DBackpropInput',
  ({ inputs: { dy, filter }, attrs, backend }) => {
    const geometry = convolutionGeometry(attrs.inputShape, filter.shape, dy.shape, attrs, false);
    const { batch, inChannels, outChannels, height, width } = geometry;
    if (exceedsOutput(geometry, attrs)) {
      return stockKernels.run('Conv2DBackpropInput', { dy, filter }, backend, { ...attrs });
    }
    if (isPointwise(geometry)) {
      const rows = batch * height.output * width.output;
      const product = multiply(
        backend,
        { tensor: dy, rows, columns: outChannels, transpose: false },
        { tensor: filter, rows: inChannels, columns: outChannels, transpose: true },
      );
      return reshaped(product, attrs.inputShape);
    }
    const native = nativeFunctions(backend);
    if (native !== undefined) {
      const output = allocate(backend, attrs.inputShape);
      if (sizeOf(dy.shape) * sizeOf(filter.shape) === 0) floats(backend, output).fill(0);
      else inputGradient(backend, native, dy, filter, geometry, output);
      return output;
    }
    const pad = adjointPadding(geometry);
    if (pad === null) return foldedProducts(backend, dy, filter, geometry);
    const rotated = rotateFilter(backend, filter);
    const dx = stockKernels.run('Conv2D', { x: dy, filter: rotated }, backend, {
      strides: [1, 1],
      dilations: [1, 1],
      dataFormat: 'NHWC',
      pad,
    });
    release(backend, rotated);
    return dx;
  },
);

/**
 * True where dy is larger than the convolution's output, which `conv2dTranspose` allows; then only its first rows and
 * columns count, as in the stock kernel.
 */
function exceedsOutput({ height, width }: Geometry, { pad }: Attributes): boolean {
  if (typeof pad !== 'string') return false;
  return [height, width].some(({ input, output, window, stride, dilation }) => {
    const covered = pad === 'same' ? input : input - (window - 1) * dilation;
    return output > Math.ceil(covered / stride);
  });
}

/** `[fh, fw, c, o]` rotated by 180° in the plane, as `[fh, fw, o, c]`. */
function rotateFilter(backend: BackendWasm, filter: tf.TensorInfo): tf.TensorInfo {
  const [fh, fw, c, o] = filter.shape as [number, number, number, number];
  const rotated = allocate(backend, [fh, fw, o, c]);
  const source = floats(backend, filter);
  const target = floats(backend, rotated);
  const taps = fh * fw;
  for (let t = 0; t < taps; t++) {
    const from = t * c * o;
    const to = (taps - 1 - t) * c * o;
    transposeInto(source.subarray(from, from + c * o), target.subarray(to, to + c * o), c, o);
  }
  return rotated;
}

function foldedProducts(
  backend: BackendWasm,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  geometry: Geometry,
): tf.TensorInfo {
  const { batch, inChannels, outChannels, height, width } = geometry;
  const features = height.window * width.window * inChannels;
  const positions = height.output * width.output;
  const imagesAtOnce = Math.max(1, Math.min(batch, Math.floor(CHUNK / (features * positions))));
  const dx = allocate(backend, [batch, height.input, width.input, inChannels]);
  const unfolded = allocate(backend, [imagesAtOnce * positions, features]);
  floats(backend, dx).fill(0);
  for (let n = 0; n < batch; n += imagesAtOnce) {
    const images = Math.min(imagesAtOnce, batch - n);
    const rows = images * positions;
    const window = openWindow(backend, dy, n * positions * outChannels, [rows, outChannels]);
    multiplyInto(
      backend,
      { tensor: window, rows, columns: outChannels, transpose: false },
      { tensor: filter, rows: features, columns: outChannels, transpose: true },
      unfolded,
    );
    releaseWindow(backend, window);
    fold(floats(backend, unfolded), floats(backend, dx), geometry, n, images);
  }
  release(backend, unfolded);
  return dx;
}

/** Adds the unfolded gradient of images `[first, first + images)` back to the positions it was read from. */
function fold(
  unfolded: Float32Array,
  dx: Float32Array,
  geometry: Geometry,
  first: number,
  images: number,
): void {
  const { inChannels, height, width } = geometry;
  let from = 0;
  for (let n = first; n < first + images; n++) {
    for (let i = 0; i < height.output; i++) {
      const rows = windowRange(height, i);
      for (let j = 0; j < width.output; j++) {
        const columns = windowRange(width, j);
        const run = (columns.to - columns.from) * inChannels;
        for (let u = rows.from; u < rows.to; u++) {
          const row = (n * height.input + i * height.stride + u - height.pad) * width.input;
          const to = (row + j * width.stride - width.pad + columns.from) * inChannels;
          const at = from + (u * width.window + columns.from) * inChannels;
          for (let t = 0; t < run; t++) dx[to + t]! += unfolded[at + t]!;
        }
        from += height.window * width.window * inChannels;
      }
    }
  }
}

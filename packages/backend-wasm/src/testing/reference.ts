/** Independent float64 references: definitions written as loops over indices, with nothing shared with the kernels. Not published. */

export interface Conv {
  readonly batch: number;
  readonly inHeight: number;
  readonly inWidth: number;
  readonly inChannels: number;
  readonly filterHeight: number;
  readonly filterWidth: number;
  readonly outChannels: number;
  readonly strides: readonly [number, number];
  /** 1 each where left out. */
  readonly dilations?: readonly [number, number];
  readonly pad:
    'same' | 'valid' | number | [[number, number], [number, number], [number, number], [number, number]];
}

/** TensorFlow's definition of output size and padding before, along one axis. */
export function layout(
  input: number,
  window: number,
  stride: number,
  pad: Conv['pad'],
  axis: 1 | 2,
): [number, number] {
  if (pad === 'same') {
    const output = Math.ceil(input / stride);
    return [output, Math.floor(Math.max(0, (output - 1) * stride + window - input) / 2)];
  }
  const [before, after] = pad === 'valid' ? [0, 0] : typeof pad === 'number' ? [pad, pad] : pad[axis];
  return [Math.floor((input + before + after - window) / stride) + 1, before];
}

/** Calls `visit` for every pair of an output position and an input position that meet. */
export function eachMeeting(
  conv: Conv,
  visit: (n: number, i: number, j: number, u: number, v: number, h: number, w: number) => void,
): { outHeight: number; outWidth: number } {
  const [down, right] = conv.dilations ?? [1, 1];
  const [spanned, wide] = [(conv.filterHeight - 1) * down + 1, (conv.filterWidth - 1) * right + 1];
  const [outHeight, top] = layout(conv.inHeight, spanned, conv.strides[0], conv.pad, 1);
  const [outWidth, left] = layout(conv.inWidth, wide, conv.strides[1], conv.pad, 2);
  for (let n = 0; n < conv.batch; n++)
    for (let i = 0; i < outHeight; i++)
      for (let j = 0; j < outWidth; j++)
        for (let u = 0; u < conv.filterHeight; u++)
          for (let v = 0; v < conv.filterWidth; v++) {
            const h = i * conv.strides[0] + u * down - top;
            const w = j * conv.strides[1] + v * right - left;
            if (h >= 0 && h < conv.inHeight && w >= 0 && w < conv.inWidth) visit(n, i, j, u, v, h, w);
          }
  return { outHeight, outWidth };
}

export function outputSize(conv: Conv): { outHeight: number; outWidth: number } {
  return eachMeeting({ ...conv, batch: 0 }, () => undefined);
}

/** conv(x, w). */
export function convolution(conv: Conv, x: ArrayLike<number>, w: ArrayLike<number>): Float64Array {
  const { outHeight, outWidth } = outputSize(conv);
  const y = new Float64Array(conv.batch * outHeight * outWidth * conv.outChannels);
  eachMeeting(conv, (n, i, j, u, v, h, wide) => {
    for (let c = 0; c < conv.inChannels; c++)
      for (let o = 0; o < conv.outChannels; o++) {
        const at = ((n * conv.inHeight + h) * conv.inWidth + wide) * conv.inChannels + c;
        const tap = ((u * conv.filterWidth + v) * conv.inChannels + c) * conv.outChannels + o;
        y[((n * outHeight + i) * outWidth + j) * conv.outChannels + o]! += x[at]! * w[tap]!;
      }
  });
  return y;
}

/** d⟨dy, conv(x, w)⟩/dw and /dx. */
export function convolutionGradients(
  conv: Conv,
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  dy: ArrayLike<number>,
): { filter: Float64Array; input: Float64Array } {
  const filter = new Float64Array(w.length);
  const input = new Float64Array(x.length);
  const { outHeight, outWidth } = outputSize(conv);
  eachMeeting(conv, (n, i, j, u, v, h, wide) => {
    for (let c = 0; c < conv.inChannels; c++)
      for (let o = 0; o < conv.outChannels; o++) {
        const at = ((n * conv.inHeight + h) * conv.inWidth + wide) * conv.inChannels + c;
        const tap = ((u * conv.filterWidth + v) * conv.inChannels + c) * conv.outChannels + o;
        const out = ((n * outHeight + i) * outWidth + j) * conv.outChannels + o;
        filter[tap]! += x[at]! * dy[out]!;
        input[at]! += w[tap]! * dy[out]!;
      }
  });
  return { filter, input };
}

/** A depthwise convolution; `outChannels` is the multiplier. */
export function depthwiseConvolution(conv: Conv, x: ArrayLike<number>, w: ArrayLike<number>): Float64Array {
  const { outHeight, outWidth } = outputSize(conv);
  const q = conv.outChannels;
  const y = new Float64Array(conv.batch * outHeight * outWidth * conv.inChannels * q);
  eachMeeting(conv, (n, i, j, u, v, h, wide) => {
    for (let c = 0; c < conv.inChannels; c++)
      for (let o = 0; o < q; o++) {
        const at = ((n * conv.inHeight + h) * conv.inWidth + wide) * conv.inChannels + c;
        const tap = ((u * conv.filterWidth + v) * conv.inChannels + c) * q + o;
        y[(((n * outHeight + i) * outWidth + j) * conv.inChannels + c) * q + o]! += x[at]! * w[tap]!;
      }
  });
  return y;
}

/** d⟨dy, depthwise(x, w)⟩/dw and /dx. */
export function depthwiseGradients(
  conv: Conv,
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  dy: ArrayLike<number>,
): { filter: Float64Array; input: Float64Array } {
  const filter = new Float64Array(w.length);
  const input = new Float64Array(x.length);
  const { outHeight, outWidth } = outputSize(conv);
  const q = conv.outChannels;
  eachMeeting(conv, (n, i, j, u, v, h, wide) => {
    for (let c = 0; c < conv.inChannels; c++)
      for (let o = 0; o < q; o++) {
        const at = ((n * conv.inHeight + h) * conv.inWidth + wide) * conv.inChannels + c;
        const tap = ((u * conv.filterWidth + v) * conv.inChannels + c) * q + o;
        const out = (((n * outHeight + i) * outWidth + j) * conv.inChannels + c) * q + o;
        filter[tap]! += x[at]! * dy[out]!;
        input[at]! += w[tap]! * dy[out]!;
      }
  });
  return { filter, input };
}

/** Gradient of max pooling: to the first largest element of each window, padding excluded. */
export function maxPoolGradient(conv: Conv, x: ArrayLike<number>, dy: ArrayLike<number>): Float64Array {
  const { outHeight, outWidth } = outputSize(conv);
  const channels = conv.inChannels;
  const winner = new Map<number, number>();
  eachMeeting(conv, (n, i, j, _u, _v, h, w) => {
    for (let c = 0; c < channels; c++) {
      const out = ((n * outHeight + i) * outWidth + j) * channels + c;
      const at = ((n * conv.inHeight + h) * conv.inWidth + w) * channels + c;
      const best = winner.get(out);
      if (best === undefined || x[at]! > x[best]!) winner.set(out, at);
    }
  });
  const dx = new Float64Array(x.length);
  for (const [out, at] of winner) dx[at]! += dy[out]!;
  return dx;
}

/** Gradient of average pooling: shared by the inputs the window meets. */
export function avgPoolGradient(conv: Conv, size: number, dy: ArrayLike<number>): Float64Array {
  const { outHeight, outWidth } = outputSize(conv);
  const channels = conv.inChannels;
  const counts = new Float64Array(conv.batch * outHeight * outWidth);
  eachMeeting(conv, (n, i, j) => counts[(n * outHeight + i) * outWidth + j]!++);
  const dx = new Float64Array(size);
  eachMeeting(conv, (n, i, j, _u, _v, h, w) => {
    const out = (n * outHeight + i) * outWidth + j;
    const at = (n * conv.inHeight + h) * conv.inWidth + w;
    for (let c = 0; c < channels; c++) dx[at * channels + c]! += dy[out * channels + c]! / counts[out]!;
  });
  return dx;
}

/** op(A)·op(B) of one pair of matrices. */
export function matrixProduct(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  m: number,
  k: number,
  n: number,
  transposeA: boolean,
  transposeB: boolean,
): Float64Array {
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let l = 0; l < k; l++)
        sum += a[transposeA ? l * m + i : i * k + l]! * b[transposeB ? j * k + l : l * n + j]!;
      c[i * n + j] = sum;
    }
  return c;
}

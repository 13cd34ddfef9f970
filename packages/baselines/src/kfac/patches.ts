/** The explicit patch matrix of a convolution (im2col): one row per example and output position. */
import * as tf from '@tensorflow/tfjs-core';
import type { ConvolutionGeometry } from '@apo/core';

/**
 * `[batch, outHeight · outWidth, kh · kw · in]` from an image `[batch, height, width, in]`; the columns are in the order of a
 * kernel `[kh, kw, in, out]` that is reshaped to `[kh · kw · in, out]`, the positions row by row. A new tensor; run inside
 * `tf.tidy`.
 */
export function patches(image: tf.Tensor, geometry: ConvolutionGeometry): tf.Tensor3D {
  const { kernelSize, strides, dilations, padding, outputSize } = geometry;
  const [[top, bottom], [left, right]] = padding;
  const [batch, , , channels] = image.shape as [number, number, number, number];
  const padded = tf.pad(image, [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ]);
  const windows: tf.Tensor[] = [];
  for (let y = 0; y < kernelSize[0]; y++) {
    for (let x = 0; x < kernelSize[1]; x++) {
      const [fromY, fromX] = [y * dilations[0], x * dilations[1]];
      // The last row that is read, and one more.
      const [toY, toX] = [
        fromY + (outputSize[0] - 1) * strides[0] + 1,
        fromX + (outputSize[1] - 1) * strides[1] + 1,
      ];
      windows.push(
        tf.stridedSlice(
          padded,
          [0, fromY, fromX, 0],
          [batch, toY, toX, channels],
          [1, strides[0], strides[1], 1],
        ),
      );
    }
  }
  return tf.reshape(windows.length === 1 ? windows[0]! : tf.concat(windows, 3), [
    batch,
    outputSize[0] * outputSize[1],
    kernelSize[0] * kernelSize[1] * channels,
  ]);
}

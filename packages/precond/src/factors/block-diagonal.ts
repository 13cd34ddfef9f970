/** F as full matrices `[b, b]` along the diagonal and zeros elsewhere: 2 k b instead of 2 k² for each row or column. */
import * as tf from '@tensorflow/tfjs-core';
import { sum } from './sum.js';
import type { BoundFactor, Factor, Product } from './factor.js';

interface Cut {
  readonly size: number;
  readonly count: number;
  readonly width: number;
}

/**
 * The side is cut into ⌈size / blockSize⌉ blocks of one width; where that leaves a remainder, the last block is completed by
 * rows and columns that stay as they were made.
 * @param entry Its name in φ; the entry is `[blocks, b, b]`.
 */
export function blockDiagonalFactor(entry: string, size: number, blockSize: number): Factor {
  const count = Math.ceil(size / blockSize);
  const width = Math.ceil(size / count);
  const cut: Cut = { size, count, width };
  return {
    label: `blocks of ${width}`,
    parameters: count * width * width,
    flops: (other) => 2 * count * width * width * other,
    initialPhi: () => ({ [entry]: tf.tile(tf.expandDims(tf.eye(width), 0), [count, 1, 1]) }),
    bind: (phi) => bindBlocks(entry, phi[entry] as tf.Tensor3D, cut),
  };
}

function bindBlocks(entry: string, f: tf.Tensor3D, cut: Cut): BoundFactor {
  const right = (x: tf.Tensor2D, transposed: boolean): Product => ({
    source: x,
    value: joinColumns(tf.matMul(cutColumns(x, cut), f, false, transposed), cut),
  });
  const left = (x: tf.Tensor2D, transposed: boolean): Product => ({
    source: x,
    value: joinRows(tf.matMul(f, cutRows(x, cut), transposed), cut),
  });
  return {
    right: (x) => right(x, false),
    rightTransposed: (x) => right(x, true),
    left: (x) => left(x, false),
    leftTransposed: (x) => left(x, true),
    columnGradient: (terms, between) => ({
      [entry]: sum<tf.Rank.R3>(terms, (term) =>
        tf.matMul(cutColumns(term.product.source, cut), cutColumns(between.left(term.with).value, cut), true),
      ),
    }),
    rowGradient: (terms) => ({
      [entry]: sum<tf.Rank.R3>(terms, (term) =>
        tf.matMul(cutRows(term.product.source, cut), cutRows(term.with, cut), false, true),
      ),
    }),
  };
}

/** `[k, p]` to `[blocks, b, p]`, zeros after the last row. */
function cutRows(x: tf.Tensor2D, { size, count, width }: Cut): tf.Tensor3D {
  const padded = tf.pad(x, [
    [0, count * width - size],
    [0, 0],
  ]);
  return tf.reshape(padded, [count, width, x.shape[1]]);
}

function joinRows(blocks: tf.Tensor3D, { size, count, width }: Cut): tf.Tensor2D {
  const columns = blocks.shape[2];
  return tf.slice(tf.reshape(blocks, [count * width, columns]), [0, 0], [size, columns]) as tf.Tensor2D;
}

/** `[p, k]` to `[blocks, p, b]`, zeros after the last column. */
function cutColumns(x: tf.Tensor2D, { size, count, width }: Cut): tf.Tensor3D {
  const padded = tf.pad(x, [
    [0, 0],
    [0, count * width - size],
  ]);
  return tf.transpose(tf.reshape(padded, [x.shape[0], count, width]), [1, 0, 2]);
}

function joinColumns(blocks: tf.Tensor3D, { size, count, width }: Cut): tf.Tensor2D {
  const rows = blocks.shape[1];
  const joined = tf.reshape(tf.transpose(blocks, [1, 0, 2]), [rows, count * width]);
  return tf.slice(joined, [0, 0], [rows, size]) as tf.Tensor2D;
}

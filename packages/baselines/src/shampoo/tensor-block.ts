/**
 * One block of one tensor: a statistic Σ G₍ᵢ₎G₍ᵢ₎ᵀ for each axis i, where G₍ᵢ₎ `[dᵢ, rest]` is the block's gradient unfolded along
 * it, and the gradient multiplied by a root of each (Gupta, Koren & Singer 2018, Alg. 2).
 */
import * as tf from '@tensorflow/tfjs-core';

/** Where a block lies in its tensor. */
export interface BlockRange {
  readonly begin: readonly number[];
  readonly size: readonly number[];
}

/** The blocks of a shape, in row-major order; no side is longer than `maxBlockSize`. A scalar is a block without axes. */
export function blockRanges(shape: readonly number[], maxBlockSize: number): BlockRange[] {
  return shape.reduce<BlockRange[]>(
    (ranges, extent) =>
      ranges.flatMap(({ begin, size }) =>
        cuts(extent, maxBlockSize).map(([from, length]) => ({
          begin: [...begin, from],
          size: [...size, length],
        })),
      ),
    [{ begin: [], size: [] }],
  );
}

function cuts(extent: number, maxBlockSize: number): [number, number][] {
  const count = Math.ceil(extent / maxBlockSize);
  return Array.from({ length: count }, (_, i) => [
    i * maxBlockSize,
    Math.min(maxBlockSize, extent - i * maxBlockSize),
  ]);
}

/** The block of `tensor`; a new tensor or the given one. */
export function cut(tensor: tf.Tensor, { begin, size }: BlockRange): tf.Tensor {
  return tf.util.arraysEqual(tensor.shape, [...size]) ? tensor : tf.slice(tensor, [...begin], [...size]);
}

/** The tensor `[…shape]` of its blocks, in the order of `blockRanges`. */
export function assemble(
  blocks: readonly tf.Tensor[],
  shape: readonly number[],
  maxBlockSize: number,
): tf.Tensor {
  let parts = [...blocks];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const count = Math.ceil(shape[axis]! / maxBlockSize);
    if (count === 1) continue;
    parts = Array.from({ length: parts.length / count }, (_, i) =>
      tf.concat(parts.slice(i * count, (i + 1) * count), axis),
    );
  }
  return parts[0]!;
}

/** G₍ᵢ₎G₍ᵢ₎ᵀ `[dᵢ, dᵢ]` for each axis. */
export function axisStatistics(gradient: tf.Tensor): tf.Tensor2D[] {
  return gradient.shape.map((_, axis) => {
    const unfolded = unfold(gradient, axis);
    return tf.matMul(unfolded, unfolded, false, true);
  });
}

/** The gradient multiplied along each axis i by `roots[i]` `[dᵢ, dᵢ]`. */
export function multiplyAxes(gradient: tf.Tensor, roots: readonly tf.Tensor[]): tf.Tensor {
  return roots.reduce((tensor, root, axis) => {
    const front = frontOrder(tensor.rank, axis);
    const product = tf.matMul(root, unfold(tensor, axis));
    const moved = tf.reshape(
      product,
      front.map((a) => tensor.shape[a]!),
    );
    return axis === 0 ? moved : tf.transpose(moved, inversePermutation(front));
  }, gradient);
}

function unfold(tensor: tf.Tensor, axis: number): tf.Tensor2D {
  const moved = axis === 0 ? tensor : tf.transpose(tensor, frontOrder(tensor.rank, axis));
  return tf.reshape(moved, [tensor.shape[axis]!, -1]);
}

function frontOrder(rank: number, axis: number): number[] {
  const others = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis);
  return [axis, ...others];
}

function inversePermutation(permutation: readonly number[]): number[] {
  const inverse: number[] = [];
  permutation.forEach((from, to) => (inverse[from] = to));
  return inverse;
}

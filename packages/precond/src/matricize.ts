/** Tensors of several variables as one matrix `[m, n]` and back: a layer's kernel with its bias as one more row, or everything as one column. */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorMap } from '@apo/core';

/** A variable's name and shape; a `tf.Variable` is one. */
export interface NamedShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Run inside `tf.tidy`; new tensors belong to the caller, and may share data with the given ones. */
export interface MatrixLayout {
  readonly variables: readonly NamedShape[];
  /** m, n. */
  readonly shape: readonly [number, number];
  /** From tensors by variable name. */
  toMatrix(tensors: TensorMap): tf.Tensor2D;
  /** Tensors by variable name, with the variables' shapes. */
  fromMatrix(matrix: tf.Tensor2D): TensorMap;
}

/**
 * A kernel's axes in two groups, and the bias, when there is one, as the last row.
 * @param rows Which axes of the kernel make the rows; the others, in order, make the columns.
 */
export function layerLayout(kernel: NamedShape, rows: readonly number[], bias?: NamedShape): MatrixLayout {
  const columns = kernel.shape.map((_, axis) => axis).filter((axis) => !rows.includes(axis));
  const order = [...rows, ...columns];
  const inOrder = order.every((axis, i) => axis === i);
  const back = order.map((_, axis) => order.indexOf(axis));
  const extents = order.map((axis) => kernel.shape[axis]!);
  const [height, n] = [extent(kernel, rows), extent(kernel, columns)];
  return {
    variables: bias ? [kernel, bias] : [kernel],
    shape: [height + (bias ? 1 : 0), n],
    toMatrix(tensors) {
      const tensor = tensors[kernel.name]!;
      const own: tf.Tensor2D = tf.reshape(inOrder ? tensor : tf.transpose(tensor, order), [height, n]);
      if (!bias) return own;
      const row: tf.Tensor2D = tf.reshape(tensors[bias.name]!, [1, n]);
      return tf.concat([own, row]);
    },
    fromMatrix(matrix) {
      const own = tf.reshape(bias ? tf.slice(matrix, [0, 0], [height, n]) : matrix, extents);
      return {
        [kernel.name]: inOrder ? own : tf.transpose(own, back),
        ...(bias && { [bias.name]: tf.reshape(tf.slice(matrix, [height, 0], [1, n]), [...bias.shape]) }),
      };
    },
  };
}

/** All variables one after another, as one column `[N, 1]`. */
export function vectorLayout(variables: readonly NamedShape[]): MatrixLayout {
  const sizes = variables.map(({ shape }) => product(shape));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return {
    variables,
    shape: [total, 1],
    toMatrix: (tensors) =>
      tf.concat(variables.map(({ name }, i): tf.Tensor2D => tf.reshape(tensors[name]!, [sizes[i]!, 1]))),
    fromMatrix(matrix) {
      const parts = tf.split(matrix, sizes);
      return Object.fromEntries(
        variables.map(({ name, shape }, i) => [name, tf.reshape(parts[i]!, [...shape])]),
      );
    },
  };
}

/** The product of the kernel's extents along these axes. */
export function extent({ shape }: NamedShape, axes: readonly number[]): number {
  return product(axes.map((axis) => shape[axis]!));
}

export function product(extents: readonly number[]): number {
  return extents.reduce((result, value) => result * value, 1);
}

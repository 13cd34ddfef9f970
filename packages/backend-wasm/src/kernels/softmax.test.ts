/** Softmax, logSoftmax and their gradients against float64 over row lengths on both sides of a vector, and with special values. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { allBuilds, describeBuilds } from '../testing/builds.js';
import { evaluate, expectClose, randomValues, startWasm } from '../testing/setup.js';

beforeAll(startWasm);

function reference(row: number[]): number[] {
  const largest = Math.max(...row);
  const exponentials = row.map((value) => Math.exp(value - largest));
  const total = exponentials.reduce((sum, value) => sum + value, 0);
  return exponentials.map((value) => value / total);
}

function rowsOf(values: ArrayLike<number>, columns: number): number[][] {
  return Array.from({ length: values.length / columns }, (_, i) =>
    Array.from(values).slice(i * columns, (i + 1) * columns),
  );
}

describeBuilds('softmax', allBuilds, () => {
  it.each([[[1]], [[3]], [[4]], [[7]], [[1, 9]], [[5, 10]], [[3, 2, 64]], [[2, 3, 2, 37]], [[4, 1000]]])(
    'of [%s], its logarithm and their gradients',
    (shape) => {
      const columns = shape[shape.length - 1]!;
      const size = tf.util.sizeFromShape(shape);
      const x = randomValues(size, 1).map((value) => 8 * value);
      const dy = randomValues(size, 2);
      const expected = rowsOf(x, columns).map(reference);
      const tensors = (): [tf.Tensor, tf.Tensor] => [tf.tensor(x, shape), tf.tensor(dy, shape)];
      const result = evaluate(() => tf.softmax(tensors()[0]));
      expect(result.shape).toEqual(shape);
      expectClose(result.values, expected.flat(), 1e-6);
      expectClose(evaluate(() => tf.logSoftmax(tensors()[0])).values, expected.flat().map(Math.log), 2e-6);
      // dx = y·(dy − ⟨dy, y⟩) and, for the logarithm, dx = dy − y·Σdy.
      const upstream = rowsOf(dy, columns);
      const gradient = expected.flatMap((y, i) => {
        const mean = y.reduce((sum, value, j) => sum + value * upstream[i]![j]!, 0);
        return y.map((value, j) => value * (upstream[i]![j]! - mean));
      });
      const logGradient = expected.flatMap((y, i) => {
        const total = upstream[i]!.reduce((sum, value) => sum + value, 0);
        return y.map((value, j) => upstream[i]![j]! - value * total);
      });
      expectClose(
        evaluate(() => tf.grad((t: tf.Tensor) => tf.softmax(t))(...tensors())).values,
        gradient,
        2e-6,
      );
      expectClose(
        evaluate(() => tf.grad((t: tf.Tensor) => tf.logSoftmax(t))(...tensors())).values,
        logGradient,
        1e-5,
      );
      expect(evaluate(() => tf.softmax(tensors()[0])).values).toEqual(result.values);
    },
  );

  it('masks with −∞ exactly, and shifts by whatever it likes', () => {
    const { values } = evaluate(() =>
      tf.softmax(tf.tensor2d([-Infinity, 1000, -Infinity, 1000, -Infinity, 1000], [1, 6])),
    );
    expect([values[0], values[2], values[4]]).toEqual([0, 0, 0]);
    expectClose([values[1]!, values[3]!, values[5]!], [1 / 3, 1 / 3, 1 / 3], 1e-6);
  });

  it('makes a row NaN that has NaN or ∞, or −∞ alone, and leaves the others', () => {
    const rows = [
      [NaN, 1, 2, 3, 4],
      [1, 2, 3, 4, NaN],
      [0, Infinity, 0, 0, 0],
      new Array<number>(5).fill(-Infinity),
    ];
    const { values } = evaluate(() => tf.softmax(tf.tensor2d([...rows, [0, 0, 0, 0, 0]])));
    expect(values.slice(0, 20)).toEqual(new Array(20).fill(NaN));
    expectClose(values.slice(20), new Array<number>(5).fill(0.2), 1e-6);
  });

  it('of nothing is nothing', () => {
    expect(evaluate(() => tf.softmax(tf.zeros([0, 3])))).toEqual({ shape: [0, 3], values: [] });
    expect(evaluate(() => tf.softmax(tf.zeros([3, 0])))).toEqual({ shape: [3, 0], values: [] });
  });
});

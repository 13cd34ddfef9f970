/** Identity, cast, slice, gather and segment sum, against index arithmetic. */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { allBuilds, describeBuilds } from '../testing/builds.js';
import { counting, pick } from '../testing/index-arithmetic.js';
import { evaluate, expectClose, randomTensor, randomValues, startWasm } from '../testing/setup.js';

beforeAll(startWasm);

describe('identity', () => {
  it('shares the data, and either owner may go first', () => {
    const backend = tf.backend() as unknown as BackendWasm;
    for (const order of [0, 1]) {
      const blocks = backend.numDataIds();
      const x = tf.tensor1d([1, 2, 3]);
      const y = tf.clone(x);
      expect(y.dataId).toBe(x.dataId);
      const [first, second] = order === 0 ? [x, y] : [y, x];
      first.dispose();
      expect(Array.from(second.dataSync())).toEqual([1, 2, 3]);
      second.dispose();
      expect(backend.numDataIds()).toBe(blocks);
    }
  });

  it('still copies strings', () => {
    const x = tf.tensor1d(['a', 'b']);
    expect(Array.from(tf.clone(x).dataSync())).toEqual(['a', 'b']);
  });

  it('a variable assigned from a clone keeps its value when the source is disposed', () => {
    const x = tf.tensor1d([4, 5]);
    const v = tf.variable(x);
    x.dispose();
    expect(Array.from(v.dataSync())).toEqual([4, 5]);
    v.dispose();
  });
});

describe('cast', () => {
  it('to the same type shares the data', () => {
    const x = tf.tensor1d([1, 2]);
    expect(tf.cast(x, 'float32').dataId).toBe(x.dataId);
  });

  it('to bool asks for "is not zero", as the definition does', () => {
    const values = evaluate(() => tf.cast(tf.tensor1d([0.5, 0, -0, 256, NaN, -1e-30]), 'bool')).values;
    expect(values).toEqual([1, 0, 0, 1, 1, 1]);
  });

  it('to int32 truncates, from bool gives 0 and 1', () => {
    expect(evaluate(() => tf.cast(tf.tensor1d([1.9, -1.9, 0.2]), 'int32')).values).toEqual([1, -1, 0]);
    expect(evaluate(() => tf.cast(tf.tensor1d([true, false], 'bool'), 'float32')).values).toEqual([1, 0]);
  });
});

describe('slice', () => {
  it('takes the block that begins there', () => {
    const cases = fc
      .array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 })
      .chain((shape) =>
        fc.tuple(
          fc.constant(shape),
          fc.tuple(...shape.map((extent) => fc.tuple(fc.nat(extent - 1), fc.nat(extent)))),
        ),
      );
    fc.assert(
      fc.property(cases, ([shape, ranges]) => {
        const begin = ranges.map(([start]) => start);
        const size = ranges.map(([start, length], axis) => Math.min(length, shape[axis]! - start));
        const result = evaluate(() => tf.slice(counting(shape), begin, size));
        expect(result.shape).toEqual(size);
        expect(result.values).toEqual(pick(size, shape, (at) => at.map((a, axis) => a + begin[axis]!)));
      }),
      { seed: 3, numRuns: 200 },
    );
  });

  it('of long runs, other types, and with a size of −1', () => {
    expect(evaluate(() => tf.slice(counting([40, 100]), [7, 50], [2, 50])).values).toEqual(
      pick([2, 50], [40, 100], ([i, j]) => [i! + 7, j! + 50]),
    );
    expect(evaluate(() => tf.slice(counting([5], 'int32'), [2], [-1])).values).toEqual([2, 3, 4]);
    expect(evaluate(() => tf.slice(tf.tensor1d([true, false, true], 'bool'), [1], [2])).values).toEqual([
      0, 1,
    ]);
    expect(Array.from(tf.slice(tf.tensor1d(['a', 'b']), [1], [1]).dataSync())).toEqual(['b']);
    expect(() => tf.slice(counting([3, 3]), [2, 0], [2, 3])).toThrow();
  });
});

describeBuilds('gather', allBuilds, () => {
  it('takes the rows named, along any axis', () => {
    const x = counting([3, 4, 5]);
    for (const axis of [0, 1, 2]) {
      const indices = [2, 0, 2, 1];
      const outShape = [3, 4, 5].map((extent, i) => (i === axis ? 4 : extent));
      const result = evaluate(() => tf.gather(x, tf.tensor1d(indices, 'int32'), axis));
      expect(result.shape).toEqual(outShape);
      expect(result.values).toEqual(
        pick(outShape, [3, 4, 5], (at) => at.map((a, i) => (i === axis ? indices[a]! : a))),
      );
    }
  });

  it('of long rows, by a matrix of indices, and with a batch axis', () => {
    const long = evaluate(() => tf.gather(counting([6, 100]), tf.tensor2d([5, 0, 3, 3], [2, 2], 'int32')));
    expect(long.shape).toEqual([2, 2, 100]);
    expect(long.values).toEqual(pick([2, 2, 100], [6, 100], ([i, j, k]) => [[5, 0, 3, 3][i! * 2 + j!]!, k!]));
    const batched = evaluate(() =>
      tf.gather(counting([2, 3]), tf.tensor2d([2, 0, 1, 1], [2, 2], 'int32'), 1, 1),
    );
    expect(batched).toEqual({ shape: [2, 2], values: [2, 0, 4, 4] });
    const fromTheEnd = evaluate(() =>
      tf.gather(counting([2, 3]), tf.tensor2d([2, 0, 1, 1], [2, 2], 'int32'), 1, -1),
    );
    expect(fromTheEnd).toEqual(batched);
    expect(() => tf.gather(counting([2, 3]), tf.tensor2d([[0], [1], [2]], [3, 1], 'int32'), 1, 1)).toThrow(
      /x\.shape\[0\]: 2/,
    );
  });

  it('refuses an index outside', () => {
    expect(() => tf.gather(counting([3]), tf.tensor1d([3], 'int32'))).toThrow(
      /index value 3 is not in \[0, 2\]/,
    );
  });

  it('has the gradient of a look-up table: rows of dy added where they came from', () => {
    const dy = randomValues(8, 5);
    const { values } = evaluate(() =>
      tf.grad((table: tf.Tensor) => tf.gather(table, tf.tensor1d([1, 3, 1, 0], 'int32')))(
        randomTensor([5, 2], 6),
        tf.tensor2d(dy, [4, 2]),
      ),
    );
    expectClose(values, [dy[6]!, dy[7]!, dy[0]! + dy[4]!, dy[1]! + dy[5]!, 0, 0, dy[2]!, dy[3]!, 0, 0]);
  });
});

describeBuilds('unsortedSegmentSum', allBuilds, () => {
  it('adds rows with the same id and drops ids outside', () => {
    const x = tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8], [4, 2]);
    const ids = tf.tensor1d([2, 0, 2, -1], 'int32');
    expect(evaluate(() => tf.unsortedSegmentSum(x, ids, 3))).toEqual({
      shape: [3, 2],
      values: [3, 4, 0, 0, 6, 8],
    });
    expect(evaluate(() => tf.unsortedSegmentSum(x, ids, 1)).values).toEqual([3, 4]);
  });

  it('of rows of any length', () => {
    for (const length of [1, 2, 4, 7, 16, 33]) {
      const x = randomValues(20 * length, length);
      const ids = Array.from({ length: 20 }, (_, i) => (i * 7) % 6);
      const sums = new Float64Array(5 * length);
      x.forEach((value, i) => {
        const id = ids[Math.floor(i / length)]!;
        if (id < 5) sums[id * length + (i % length)]! += value;
      });
      const result = evaluate(() =>
        tf.unsortedSegmentSum(tf.tensor2d(x, [20, length]), tf.tensor1d(ids, 'int32'), 5),
      );
      expect(result.shape).toEqual([5, length]);
      expectClose(result.values, sums, 1e-6);
    }
  });

  it('of int32, and of a vector', () => {
    const x = tf.tensor1d([5, 6, 7], 'int32');
    expect(evaluate(() => tf.unsortedSegmentSum(x, tf.tensor1d([1, 1, 0], 'int32'), 2)).values).toEqual([
      7, 11,
    ]);
  });
});

describe('unsortedSegmentSum', () => {
  it('of tensors from another backend, whose move makes the heap grow', async () => {
    const backend = tf.backend() as unknown as BackendWasm;
    const anchor = tf.tensor1d([0]);
    const heapBytes = (): number => backend.typedArrayFromHeap(anchor).buffer.byteLength;
    const count = heapBytes() / 4;
    await tf.setBackend('cpu');
    const x = tf.ones([count]);
    const ids = tf.zeros<tf.Rank.R1>([count], 'int32');
    await tf.setBackend('wasm');
    const before = heapBytes();
    const sums = tf.unsortedSegmentSum(x, ids, 1);
    expect(heapBytes()).toBeGreaterThan(before);
    // Whole numbers up to 2²⁴ are exact in float32.
    expect(count).toBeLessThanOrEqual(2 ** 24);
    expect(Array.from(sums.dataSync())).toEqual([count]);
    tf.dispose([anchor, x, ids, sums]);
  });
});

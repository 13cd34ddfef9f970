/** Kernels that move values: identity, cast, transpose, tile, slice, gather and segment sum, against index arithmetic. */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { evaluate, expectClose, randomTensor, randomValues, startWasm } from '../testing/setup.js';

beforeAll(startWasm);

/** A shape of up to four axes of up to seven elements. */
const anyShape = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 });

/** Values 0, 1, 2, … in `outShape`, each taken from where `source` says. */
function pick(outShape: number[], inShape: number[], source: (at: number[]) => number[]): number[] {
  const strides = tf.util.computeStrides(outShape).concat(1);
  return Array.from({ length: tf.util.sizeFromShape(outShape) }, (_, i) =>
    source(tf.util.indexToLoc(i, outShape.length, strides)).reduce(
      (index, at, axis) => index * inShape[axis]! + at,
      0,
    ),
  );
}

function counting(shape: number[], dtype: 'float32' | 'int32' = 'float32'): tf.Tensor {
  return tf.reshape(tf.range(0, tf.util.sizeFromShape(shape), 1, dtype), shape);
}

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

describe('transpose', () => {
  it('moves every element, for any permutation', () => {
    const cases = anyShape.chain((shape) =>
      fc.tuple(fc.constant(shape), fc.shuffledSubarray([...shape.keys()], { minLength: shape.length })),
    );
    fc.assert(
      fc.property(cases, ([shape, perm]) => {
        const outShape = perm.map((axis) => shape[axis]!);
        const result = evaluate(() => tf.transpose(counting(shape), perm));
        expect(result.shape).toEqual(outShape);
        expect(result.values).toEqual(
          pick(outShape, shape, (at) => shape.map((_, axis) => at[perm.indexOf(axis)]!)),
        );
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  it('of shapes whose rows collide in the cache', () => {
    for (const [shape, perm] of [
      [
        [256, 130],
        [1, 0],
      ],
      [
        [2, 128, 70],
        [2, 0, 1],
      ],
      [
        [1, 384, 1, 50],
        [3, 2, 1, 0],
      ],
      [
        [128, 140],
        [0, 1],
      ],
      [
        [3, 128, 60],
        [0, 2, 1],
      ],
    ] as const) {
      const outShape = perm.map((axis) => shape[axis]!);
      const result = evaluate(() => tf.transpose(counting([...shape]), [...perm]));
      expect(result.shape).toEqual(outShape);
      expect(result.values).toEqual(
        pick(outShape, [...shape], (at) =>
          shape.map((_, axis) => at[[...perm].findIndex((p) => p === axis)]!),
        ),
      );
    }
  });
});

describe('tile', () => {
  it('repeats every axis', () => {
    const cases = anyShape.chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.array(fc.integer({ min: 0, max: 5 }), { minLength: shape.length, maxLength: shape.length }),
      ),
    );
    fc.assert(
      fc.property(cases, ([shape, reps]) => {
        const outShape = shape.map((extent, axis) => extent * reps[axis]!);
        const result = evaluate(() => tf.tile(counting(shape), reps));
        expect(result.shape).toEqual(outShape);
        expect(result.values).toEqual(pick(outShape, shape, (at) => at.map((a, axis) => a % shape[axis]!)));
      }),
      { seed: 2, numRuns: 150 },
    );
  });

  it('of other types', () => {
    expect(evaluate(() => tf.tile(tf.tensor1d([true, false], 'bool'), [2])).values).toEqual([1, 0, 1, 0]);
    expect(evaluate(() => tf.tile(tf.tensor1d([3, 4], 'int32'), [2])).values).toEqual([3, 4, 3, 4]);
    // The stock kernel aborts the whole module on strings.
    expect(() => tf.tile(tf.tensor1d(['a']), [2])).toThrow(/strings/);
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

describe('gather', () => {
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
    expect(() => tf.gather(counting([3]), tf.tensor1d([3], 'int32'))).toThrow(/expected 0 ≤ index < 3/);
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

describe('unsortedSegmentSum', () => {
  it('adds rows with the same id and drops ids outside', () => {
    const x = tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8], [4, 2]);
    const ids = tf.tensor1d([2, 0, 2, -1], 'int32');
    expect(evaluate(() => tf.unsortedSegmentSum(x, ids, 3))).toEqual({
      shape: [3, 2],
      values: [3, 4, 0, 0, 6, 8],
    });
    expect(evaluate(() => tf.unsortedSegmentSum(x, ids, 1)).values).toEqual([3, 4]);
  });

  it('of int32, and of a vector', () => {
    const x = tf.tensor1d([5, 6, 7], 'int32');
    expect(evaluate(() => tf.unsortedSegmentSum(x, tf.tensor1d([1, 1, 0], 'int32'), 2)).values).toEqual([
      7, 11,
    ]);
  });

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

/** Transpose, tile and broadcast, against index arithmetic. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { allBuilds, describeBuilds } from '../testing/builds.js';
import { counting, pick } from '../testing/index-arithmetic.js';
import { evaluate, startWasm } from '../testing/setup.js';

beforeAll(startWasm);

/** A shape of up to four axes of up to seven elements. */
const anyShape = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 });

describeBuilds('transpose', allBuilds, () => {
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

  it('of up to six axes, some longer than a tile, and of int32', () => {
    const shapes = [
      [33, 18],
      [2, 17, 35],
      [19, 3, 5, 21],
      [2, 3, 4, 5, 6],
      [2, 1, 3, 2, 3, 5],
      [3, 2, 2, 2, 3, 4],
    ];
    fc.assert(
      fc.property(fc.constantFrom(...shapes), fc.nat(719), fc.boolean(), (shape, order, whole) => {
        const axes = shape.map((_, axis) => axis);
        const perm: number[] = [];
        for (let rest = order; axes.length > 0; rest = Math.floor(rest / 6)) {
          perm.push(...axes.splice(rest % axes.length, 1));
        }
        const outShape = perm.map((axis) => shape[axis]!);
        const result = evaluate(() => tf.transpose(counting(shape, whole ? 'int32' : 'float32'), perm));
        expect(result.shape).toEqual(outShape);
        expect(result.values).toEqual(
          pick(outShape, shape, (at) => shape.map((_, axis) => at[perm.indexOf(axis)]!)),
        );
      }),
      { numRuns: 60, seed: 3 },
    );
  });

  it('of nothing, and of one element', () => {
    expect(evaluate(() => tf.transpose(tf.zeros([0, 3])))).toEqual({ shape: [3, 0], values: [] });
    expect(evaluate(() => tf.transpose(tf.ones([1, 1, 1])))).toEqual({ shape: [1, 1, 1], values: [1] });
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

describeBuilds('tile', allBuilds, () => {
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

describeBuilds('a broadcast, which is a tile of axes of one element', allBuilds, () => {
  it('repeats any of up to five axes', () => {
    const axis = fc.record({ extent: fc.integer({ min: 1, max: 6 }), repeated: fc.boolean() });
    fc.assert(
      fc.property(fc.array(axis, { minLength: 1, maxLength: 5 }), (axes) => {
        const shape = axes.map(({ extent, repeated }) => (repeated ? 1 : extent));
        const outShape = axes.map(({ extent }) => extent);
        const result = evaluate(() => tf.broadcastTo(counting(shape), outShape));
        expect(result.shape).toEqual(outShape);
        expect(result.values).toEqual(
          pick(outShape, shape, (at) => at.map((i, k) => (shape[k] === 1 ? 0 : i))),
        );
      }),
      { numRuns: 80, seed: 4 },
    );
  });
});

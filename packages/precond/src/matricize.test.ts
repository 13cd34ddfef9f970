import * as tf from '@tensorflow/tfjs-core';
import '@apo/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leaked, normalTensor, toRows, values } from '../test/tensors.js';
import { layerLayout, vectorLayout } from './matricize.js';

describe('a layer as a matrix', () => {
  it('puts the bias below the kernel', () => {
    const layout = layerLayout({ name: 'k', shape: [2, 3] }, [0], { name: 'b', shape: [3] });
    tf.tidy(() => {
      const k = tf.tensor2d([
        [1, 2, 3],
        [4, 5, 6],
      ]);
      expect(toRows(layout.toMatrix({ k, b: tf.tensor1d([7, 8, 9]) }))).toEqual([
        [1, 2, 3],
        [4, 5, 6],
        [7, 8, 9],
      ]);
    });
  });

  it('moves axes that are not in order', () => {
    // element (i, j) of [2, 3] becomes (j, i)
    const layout = layerLayout({ name: 'k', shape: [2, 3] }, [1]);
    tf.tidy(() => {
      const k = tf.tensor2d([
        [1, 2, 3],
        [4, 5, 6],
      ]);
      expect(toRows(layout.toMatrix({ k }))).toEqual([
        [1, 4],
        [2, 5],
        [3, 6],
      ]);
    });
  });

  it('comes back as it was, and leaves no tensor behind', async () => {
    const lost = await leaked(() => {
      const extents = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
      fc.assert(
        fc.property(extents, fc.nat(), fc.boolean(), (shape, pick, hasBias) => {
          const axes = shape.map((_, i) => i);
          const rows = axes.filter((axis) => (pick >> axis) & 1);
          const columns = axes.filter((axis) => !rows.includes(axis)).map((axis) => shape[axis]!);
          const bias = { name: 'b', shape: columns };
          const layout = layerLayout({ name: 'k', shape }, rows, hasBias ? bias : undefined);
          tf.tidy(() => {
            const given = { k: normalTensor(shape, 1), ...(hasBias && { b: normalTensor(columns, 2) }) };
            const matrix = layout.toMatrix(given);
            expect(matrix.shape).toEqual([...layout.shape]);
            const back = layout.fromMatrix(matrix);
            expect(Object.keys(back)).toEqual(Object.keys(given));
            for (const [name, tensor] of Object.entries(given)) {
              expect(back[name]!.shape).toEqual(tensor.shape);
              expect(values(back[name]!)).toEqual(values(tensor));
            }
          });
        }),
        { numRuns: 100, seed: 5 },
      );
    });
    expect(lost).toBe(0);
  });
});

describe('all variables as one column', () => {
  it('stand one after another, and come back', () => {
    const layout = vectorLayout([
      { name: 'a', shape: [2, 2] },
      { name: 'b', shape: [] },
    ]);
    tf.tidy(() => {
      const a = tf.tensor2d([
        [1, 2],
        [3, 4],
      ]);
      const column = layout.toMatrix({ b: tf.scalar(5), a });
      expect(toRows(column)).toEqual([[1], [2], [3], [4], [5]]);
      const back = layout.fromMatrix(column);
      expect([back['a']!.shape, back['b']!.shape]).toEqual([[2, 2], []]);
      expect(values(back['b']!)).toEqual([5]);
    });
  });
});

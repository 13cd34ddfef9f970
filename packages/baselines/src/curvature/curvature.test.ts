import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { basePass, createObjective, divergence, divergenceNames, losses, meanLoss } from '@apo/core';
import type { DivergenceName, LossName, Objective } from '@apo/core';
import { leaked, relativeError, seededVector } from '../testing/evidence.js';
import { smallNetwork } from '../verify/small-network.js';
import type { SmallNetwork } from '../verify/small-network.js';
import { denseJacobian, flattenOutputs, jacobianVector, outputsOf, vectorJacobian } from './jacobian.js';
import { differenceOutputHessian, namedOutputHessian } from './output-hessian.js';
import type { OutputHessian } from './output-hessian.js';
import { ParameterSpace } from './parameter-space.js';
import {
  divergenceHessian,
  gaussNewtonProduct,
  hessianProduct,
  jacobianVectorMethod,
  lossHessian,
  valueAndGradient,
} from './products.js';
import type { Product } from './products.js';

const LOSSES: LossName[] = ['squared-error', 'sigmoid-cross-entropy', 'softmax-cross-entropy'];

function withNetwork<T>(loss: LossName, body: (network: SmallNetwork) => T): T {
  const network = smallNetwork({ sizes: [3, 4, 3], loss, examples: 5 });
  try {
    return body(network);
  } finally {
    network.dispose();
  }
}

/** Σ_j M[i, j] v[j] of a row-major matrix. */
function times(matrix: Float64Array, columns: number, v: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: matrix.length / columns }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += matrix[i * columns + j]! * v[j]!;
    return sum;
  });
}

function timesTransposed(matrix: Float64Array, columns: number, u: ArrayLike<number>): Float64Array {
  const result = new Float64Array(columns);
  for (let i = 0; i < u.length; i++)
    for (let j = 0; j < columns; j++) result[j]! += matrix[i * columns + j]! * u[i]!;
  return result;
}

describe('Jv and Jᵀu', () => {
  it.each([
    ['exact', 1e-5],
    ['difference', 1e-4],
  ] as const)('%s Jv equals the dense Jacobian, taken row by row, times v', (method, tolerance) => {
    withNetwork('squared-error', ({ objective, batch }) => {
      tf.tidy(() => {
        const seeded = { batch, seed: 3 };
        const space = new ParameterSpace(objective.variables);
        const jacobian = denseJacobian(objective, seeded);
        expect([jacobian.rows, jacobian.columns]).toEqual([15, 31]);
        const v = seededVector(space.size, 5);
        const product = flattenOutputs(jacobianVector(objective, seeded, space.write(v), method));
        expect(relativeError(product, times(jacobian.values, jacobian.columns, v))).toBeLessThan(tolerance);
      });
    });
  });

  it('the dense Jacobian equals central differences of the outputs, and Jᵀu its transpose times u', () => {
    withNetwork('squared-error', ({ objective, batch, variables }) => {
      tf.tidy(() => {
        const seeded = { batch, seed: 3 };
        const space = new ParameterSpace(variables);
        const { values, rows, columns } = denseJacobian(objective, seeded);
        const theta = space.current();
        const outputsAt = (shifted: Float64Array): Float64Array => {
          const next = space.write(shifted);
          for (const variable of variables) variable.assign(next[variable.name]!);
          return flattenOutputs(outputsOf(objective, seeded));
        };
        // Truncation h² f‴/6 of about 2e-4 with |f‴| of 10, rounding 6e-8/h.
        const h = 0.01;
        for (let j = 0; j < columns; j++) {
          const [up, down] = [theta.slice(), theta.slice()];
          up[j]! += h;
          down[j]! -= h;
          const [above, below] = [outputsAt(up), outputsAt(down)];
          for (let i = 0; i < rows; i++)
            expect(values[i * columns + j]!).toBeCloseTo((above[i]! - below[i]!) / (2 * h), 3);
        }
        outputsAt(theta);
        const u = seededVector(rows, 7);
        const cotangent = tf.tensor(Float32Array.from(u), [5, 3]);
        const pulled = space.read(vectorJacobian(objective, seeded, [cotangent]));
        expect(relativeError(pulled, timesTransposed(values, columns, u))).toBeLessThan(1e-6);
      });
    });
  });

  it('takes several outputs, and variables that an output does not reach', () => {
    tf.tidy(() => {
      const [a, b] = [tf.variable(tf.tensor1d([1, 2])), tf.variable(tf.tensor1d([3]))];
      const objective = createObjective<tf.Tensor>({
        variables: [a, b],
        predict: (x) => [tf.mul(a, x), tf.square(a)],
        loss: (y) => tf.sum((y as tf.Tensor[])[0]!),
      });
      const seeded = { batch: tf.tensor1d([5, 7]), seed: 0 };
      // d(ax) = x da, d(a²) = 2a da; b reaches neither.
      expect(Array.from(denseJacobian(objective, seeded).values)).toEqual([
        5, 0, 0, 0, 7, 0, 2, 0, 0, 0, 4, 0,
      ]);
      const tangent = { [a.name]: tf.tensor1d([1, 1]), [b.name]: tf.tensor1d([9]) };
      const product = jacobianVector(objective, seeded, tangent, 'exact');
      expect(Array.from(flattenOutputs(product))).toEqual([5, 7, 2, 4]);
      tf.dispose([a, b]);
    });
  });

  it('falls back on differences where an operator has no second-order gradient', () => {
    tf.tidy(() => {
      const image = tf.tensor4d([1, 5, 2, 3], [1, 2, 2, 1]);
      const kernel = tf.variable(tf.tensor4d([2], [1, 1, 1, 1]));
      const objective = createObjective<null>({
        variables: [kernel],
        predict: () => tf.maxPool(tf.conv2d(image, kernel as tf.Tensor4D, 1, 'same'), 2, 2, 'valid'),
        loss: (y) => tf.sum(y as tf.Tensor),
      });
      const seeded = { batch: null, seed: 0 };
      expect(jacobianVectorMethod(objective, seeded)).toBe('difference');
      const product = jacobianVector(
        objective,
        seeded,
        { [kernel.name]: tf.ones([1, 1, 1, 1]) },
        'difference',
      );
      // The largest pixel is 5 and stays it.
      expect(flattenOutputs(product)[0]).toBeCloseTo(5, 3);
      kernel.dispose();
    });
    withNetwork('squared-error', ({ objective, batch }) => {
      expect(jacobianVectorMethod(objective, { batch, seed: 0 })).toBe('exact');
    });
  });

  it('sees the same dropout mask on both sides of a difference', () => {
    tf.tidy(() => {
      const w = tf.variable(tf.ones([6]));
      const objective = createObjective<null>({
        variables: [w],
        predict: (_, training) => (training ? tf.dropout(w, 0.5) : w),
        loss: (y) => tf.sum(y as tf.Tensor),
      });
      const seeded = { batch: null, seed: 11 };
      const v = { [w.name]: tf.tensor1d([1, 2, 3, 4, 5, 6]) };
      const [mask] = outputsOf(objective, seeded);
      const expected = Array.from(tf.mul(mask!, v[w.name]!).dataSync());
      expect(expected).toContain(0);
      for (const method of ['exact', 'difference'] as const) {
        const product = flattenOutputs(jacobianVector(objective, seeded, v, method));
        expected.forEach((value, i) => expect(product[i]!).toBeCloseTo(value, 3));
      }
      w.dispose();
    });
  });

  it('refuses a dense Jacobian that does not fit', () => {
    const w = tf.variable(tf.zeros([4000]));
    const objective = createObjective<null>({ variables: [w], predict: () => w, loss: () => tf.scalar(0) });
    expect(() => denseJacobian(objective, { batch: null, seed: 0 })).toThrow(/4000 × 4000/);
    w.dispose();
  });
});

describe('output Hessians', () => {
  const probabilities: DivergenceName[] = ['softmax-kl', 'bernoulli-kl'];

  it.each(divergenceNames)('%s: the closed form equals differences of the gradient, at equality', (name) => {
    tf.tidy(() => {
      const logits = tf.tensor(Float32Array.from(seededVector(12, 2)), [2, 2, 3]);
      const outputs = [probabilities.includes(name) ? tf.softmax(logits) : logits];
      const tangents = [tf.tensor(Float32Array.from(seededVector(12, 3)), [2, 2, 3])];
      const rho = divergence(name);
      const byName = flattenOutputs(namedOutputHessian(name)(outputs, tangents));
      const byDifference = flattenOutputs(
        differenceOutputHessian(([next]) => rho(next!, outputs[0]!))(outputs, tangents),
      );
      expect(relativeError(byDifference, byName)).toBeLessThan(probabilities.includes(name) ? 2e-2 : 1e-4);
    });
  });

  it.each(LOSSES)('%s: the closed form equals differences, also with an axis of positions', (name) => {
    tf.tidy(() => {
      const shape = [2, 2, 3];
      const outputs = [tf.tensor(Float32Array.from(seededVector(12, 4)), shape)];
      const tangents = [tf.tensor(Float32Array.from(seededVector(12, 5)), shape)];
      const targets =
        name === 'softmax-cross-entropy'
          ? tf.tensor2d(
              [
                [0, 1],
                [2, 2],
              ],
              [2, 2],
              'int32',
            )
          : tf.ones(shape);
      const loss = differenceOutputHessian(([y]) => losses(name).loss(y!, targets));
      const byName = flattenOutputs(namedOutputHessian(name)(outputs, tangents));
      expect(relativeError(flattenOutputs(loss(outputs, tangents)), byName)).toBeLessThan(1e-4);
    });
  });

  it('is zero along zero, and refuses an unknown name with the known ones', () => {
    tf.tidy(() => {
      const zero = differenceOutputHessian(([y]) => tf.sum(tf.square(y!)))([tf.ones([2])], [tf.zeros([2])]);
      expect(Array.from(flattenOutputs(zero))).toEqual([0, 0]);
    });
    expect(() => namedOutputHessian('hinge' as LossName)).toThrow(/softmax-cross-entropy, sigmoid/);
  });
});

describe('curvature products', () => {
  /** Every column of a product. */
  const dense = (product: Product, size: number): Float64Array[] =>
    Array.from({ length: size }, (_, i) =>
      product(Float64Array.from({ length: size }, (__, j) => +(i === j))),
    );

  it.each(LOSSES)('%s: JᵀHJv equals the dense Jacobian and the closed form of H', (loss) => {
    withNetwork(loss, ({ objective, batch }) => {
      tf.tidy(() => {
        const seeded = { batch, seed: 1 };
        const { values, columns } = denseJacobian(objective, seeded);
        const v = seededVector(columns, 9);
        const tangent = tf.tensor(Float32Array.from(times(values, columns, v)), [5, 3]);
        const cotangent = namedOutputHessian(loss)(outputsOf(objective, seeded), [tangent]);
        const expected = timesTransposed(values, columns, flattenOutputs(cotangent));
        const { lossName, divergenceName, ...unnamed } = objective;
        expect([lossName, divergenceName]).toEqual([loss, losses(loss).divergence]);
        for (const [hessianOf, tolerance] of [
          [(): OutputHessian => lossHessian(objective, seeded), 1e-5],
          [(): OutputHessian => divergenceHessian(objective), 1e-5],
          [(): OutputHessian => lossHessian(unnamed, seeded), 1e-3],
          [(): OutputHessian => divergenceHessian(unnamed), 1e-3],
        ] as const) {
          const product = gaussNewtonProduct(objective, [seeded], hessianOf, 'exact');
          expect(relativeError(product(v), expected)).toBeLessThan(tolerance);
        }
        // Micro-batches are averaged: the same batch twice is the same matrix.
        const twice = gaussNewtonProduct(
          objective,
          [seeded, seeded],
          () => namedOutputHessian(loss),
          'exact',
        );
        expect(relativeError(twice(v), expected)).toBeLessThan(1e-5);
      });
    });
  });

  it('Hv of a quadratic is its matrix, and Hv of a network its gradient differenced coordinate by coordinate', () => {
    tf.tidy(() => {
      const x = tf.variable(tf.tensor1d([1, -2]));
      // ½ (3x₀² + 2x₀x₁ + 5x₁²): H = [[3, 1], [1, 5]]
      const f = (): tf.Scalar => {
        const [a, b] = tf.unstack(x) as [tf.Scalar, tf.Scalar];
        return tf.add(tf.mul(a, tf.add(tf.mul(a, 1.5), b)), tf.mul(tf.square(b), 2.5));
      };
      const objective = createObjective<null>({ variables: [x], predict: () => x, loss: f });
      const columns = dense(hessianProduct(objective, f), 2);
      [3, 1, 1, 5].forEach((value, i) => expect(columns[i >> 1]![i & 1]!).toBeCloseTo(value, 3));
      x.dispose();
    });
    withNetwork('softmax-cross-entropy', ({ objective, batch, variables }) => {
      tf.tidy(() => {
        const seeded = [{ batch, seed: 0 }];
        const space = new ParameterSpace(variables);
        const product = hessianProduct(objective, () => meanLoss(objective, seeded));
        const v = seededVector(space.size, 3);
        const theta = space.current();
        const gradientAt = (point: Float64Array): Float64Array => {
          const next = space.write(point);
          for (const variable of variables) variable.assign(next[variable.name]!);
          return space.read(basePass(objective, seeded).gradients);
        };
        const h = 0.02;
        const expected = new Float64Array(space.size);
        theta.forEach((_, j) => {
          const [up, down] = [theta.slice(), theta.slice()];
          up[j]! += h;
          down[j]! -= h;
          const [above, below] = [gradientAt(up), gradientAt(down)];
          for (let i = 0; i < expected.length; i++)
            expected[i]! += ((above[i]! - below[i]!) / (2 * h)) * v[j]!;
        });
        gradientAt(theta);
        expect(relativeError(product(v), expected)).toBeLessThan(2e-3);
      });
    });
  });

  it('leaves weights and averages as they were, and no tensor behind', async () => {
    const mean: tf.Variable = tf.variable(tf.scalar(0));
    const w = tf.variable(tf.tensor1d([1, 2]));
    const objective: Objective<null> = createObjective<null>({
      variables: [w],
      stateVariables: [mean],
      predict: () => {
        mean.assign(tf.add(mean, 1));
        return tf.square(w);
      },
      loss: (y) => tf.sum(y as tf.Tensor),
    });
    const seeded = { batch: null, seed: 0 };
    const all = (): void => {
      const v = Float64Array.from([1, 1]);
      hessianProduct(objective, () => meanLoss(objective, [seeded]))(v);
      for (const method of ['exact', 'difference'] as const)
        gaussNewtonProduct(objective, [seeded], () => namedOutputHessian('squared-error'), method)(v);
      gaussNewtonProduct(objective, [seeded], () => divergenceHessian(objective), 'exact')(v);
      denseJacobian(objective, seeded);
      valueAndGradient(objective, () => meanLoss(objective, [seeded]));
      jacobianVectorMethod(objective, seeded);
    };
    expect(await leaked(all)).toBe(0);
    expect(Array.from(mean.dataSync())).toEqual([0]);
    expect(Array.from(w.dataSync())).toEqual([1, 2]);
    tf.dispose([mean, w]);
  });

  it('gives the same bits for the same input', () => {
    const run = (): Float64Array =>
      withNetwork('softmax-cross-entropy', ({ objective, batch }) =>
        gaussNewtonProduct(
          objective,
          [{ batch, seed: 1 }],
          () => divergenceHessian(objective),
          'exact',
        )(seededVector(31, 1)),
      );
    expect(run()).toEqual(run());
  });
});

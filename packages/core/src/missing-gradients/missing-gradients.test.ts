/** Every registered gradient against central differences over broadcast forms, flags, equations and paddings, on whatever engine the tests run. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import '../index.js';
import { numericalGradients, uniformTensor, values } from '../../test/numeric.js';
import { sumToShape } from './broadcasting.js';
import { registerMissingGradients } from './register.js';

const onLibtensorflow = tf.getBackend() === 'tensorflow';

type Op = (...inputs: tf.Tensor[]) => tf.Tensor;

/** Gradients of Σ w ⊙ op(…) for seeded weights w, beside their central differences; nothing may be left in memory. */
function check(op: Op, inputs: tf.Tensor[], { h = 0.5, digits = 3 } = {}): void {
  const tensors = tf.memory().numTensors;
  const weights = tf.tidy(() => {
    const output = op(...inputs);
    return uniformTensor(output.shape, 99);
  });
  const scalar: Op = (...t) => tf.sum(tf.mul(op(...t), weights));
  const gradients = tf.tidy(() =>
    tf
      .grads(scalar as (...t: tf.Tensor[]) => tf.Scalar)(inputs)
      .map(values),
  );
  const expected = numericalGradients(scalar, inputs, h);
  expected.forEach((row, i) => {
    expect(gradients[i]).toHaveLength(row.length);
    row.forEach((value, j) => expect(gradients[i]![j]).toBeCloseTo(value, digits));
  });
  weights.dispose();
  expect(tf.memory().numTensors).toBe(tensors);
  tf.dispose(inputs);
}

const broadcastForms: [number[], number[]][] = [
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3], [3]],
  [[3], [2, 3]],
  [[2, 3], []],
  [[], [2, 3]],
  [
    [2, 1],
    [1, 3],
  ],
  [
    [2, 1, 3],
    [4, 1],
  ],
];

describe.each(broadcastForms)('[%s] with [%s]', (a, b) => {
  // Random values are farther than 2h from a tie, so that the difference quotient sees one side only.
  it.each([
    ['maximum', tf.maximum],
    ['minimum', tf.minimum],
  ] as const)('%s', (_, op) => {
    check(op, [uniformTensor(a, 31), uniformTensor(b, 572)], { h: 1e-3, digits: 2 });
  });

  it('squaredDifference', () => {
    check(tf.squaredDifference, [uniformTensor(a, 3), uniformTensor(b, 4)]);
  });
});

it('a tie goes to the first operand, also where it is broadcast', () => {
  tf.tidy(() => {
    for (const op of [tf.maximum, tf.minimum]) {
      const [a, b] = tf.grads((x: tf.Tensor, y: tf.Tensor) => tf.sum<tf.Scalar>(op(x, y)))([
        tf.tensor1d([1]),
        tf.tensor2d([[1], [1]]),
      ]);
      expect(values(a!)).toEqual([2]);
      expect(values(b!)).toEqual([0, 0]);
    }
  });
});

describe('matMul', () => {
  const flags = [
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ] as const;
  const batches: [number[], number[]][] = [
    [[], []],
    [[3], [3]],
    [[3], [1]],
    [[], [3]],
    [[3], [2, 3]],
    [[2, 3], [3]],
  ];
  it.each(batches)('of batches [%s] and [%s]', (aBatch, bBatch) => {
    for (const [transposeA, transposeB] of flags) {
      check(
        (a, b) => tf.matMul(a, b, transposeA, transposeB),
        [
          uniformTensor([...aBatch, ...(transposeA ? [4, 2] : [2, 4])], 5),
          uniformTensor([...bBatch, ...(transposeB ? [3, 4] : [4, 3])], 6),
        ],
      );
    }
  });
});

describe('einsum', () => {
  const extents: Record<string, number> = { i: 2, j: 3, k: 4, b: 2, h: 3 };
  it.each([
    'ij,jk->ik',
    'ij,jk->ki',
    'bij,bjk->bik',
    'bij,jk->bik',
    'bihk,bjhk->bhij',
    'i,j->ij',
    'ij,ij->ij',
    'ij,ij->',
    'i,i->i',
    'bi,bi->b',
    'ijk,j->i',
    'ij->ji',
    'ij->i',
    'ijk->',
    // libtensorflow's own einsum takes no spaces.
    ...(onLibtensorflow ? [] : [' i j , j k -> i k ']),
  ])('%s', (equation) => {
    const terms = equation.replace(/\s/g, '').split('->')[0]!.split(',');
    const inputs = terms.map((term, i) =>
      uniformTensor(
        Array.from(term, (label) => extents[label]!),
        7 + i,
      ),
    );
    check((...t) => tf.einsum(equation, ...t), inputs);
  });

  it('with an integer operand has a gradient for the other', () => {
    tf.tidy(() => {
      const counts = tf.tensor1d([1, 2, 3], 'int32');
      const gradient = tf.grad((x: tf.Tensor) => tf.einsum('i,i->', x, tf.cast(counts, 'float32')))(
        tf.tensor1d([5, 6, 7]),
      );
      expect(values(gradient)).toEqual([1, 2, 3]);
    });
  });
});

describe('dilated convolutions', () => {
  const paddings: ('same' | 'valid' | number | tf.backend_util.ExplicitPadding)[] = [
    'same',
    'valid',
    1,
    [
      [0, 0],
      [1, 2],
      [0, 3],
      [0, 0],
    ],
  ];
  for (const pad of paddings) {
    // libtensorflow's own convolution takes no number.
    it.skipIf(typeof pad === 'number' && onLibtensorflow).each([
      [2, 2],
      [1, 3],
      [3, 1],
    ] as [number, number][])(`conv2d, pad ${JSON.stringify(pad)}, dilations %s×%s`, (...dilations) => {
      // A padding given as one number is right in tfjs-core only for square windows.
      if (typeof pad === 'number' && dilations[0] !== dilations[1]) dilations = [2, 2];
      check(
        (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, pad, 'NHWC', dilations),
        [uniformTensor([2, 7, 8, 2], 10), uniformTensor([2, 2, 2, 3], 11)],
      );
    });
  }

  it('leave the gradient without dilation as it was', () => {
    check(
      (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 2, 'same'),
      [uniformTensor([2, 5, 6, 2], 14), uniformTensor([3, 3, 2, 2], 15)],
    );
    check(
      (x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'valid'),
      [uniformTensor([2, 5, 6, 2], 16), uniformTensor([3, 3, 2, 2], 17)],
    );
  });
});

describe('comparisons', () => {
  it.each([
    ['greater', tf.greater],
    ['less', tf.less],
    ['lessEqual', tf.lessEqual],
    ['equal', tf.equal],
    ['notEqual', tf.notEqual],
  ] as const)('where(%s(x, y), x², 3 y) is differentiable in both', (_, compare) => {
    check(
      (x, y) => tf.where(compare(x, y), tf.square(x), tf.mul(y, 3)),
      [uniformTensor([2, 3], 40), uniformTensor([2, 3], 41)],
      { h: 1e-3, digits: 2 },
    );
  });

  it('also combined, and as a factor', () => {
    check(
      (x) => {
        const inside = tf.logicalAnd(tf.greater(x, -0.5), tf.logicalNot(tf.greater(x, 0.5)));
        const outside = tf.logicalOr(tf.less(x, -0.5), tf.greater(x, 0.5));
        return tf.add(tf.mul(tf.cast(inside, 'float32'), x), tf.where(outside, tf.square(x), x));
      },
      [uniformTensor([7], 42)],
      { h: 1e-3, digits: 2 },
    );
  });
});

describe('a truth value as the result', () => {
  it.each([
    ['logicalAnd', (x: tf.Tensor) => tf.logicalAnd(tf.greater(x, 0), tf.less(x, 1))],
    ['logicalOr', (x: tf.Tensor) => tf.logicalOr(tf.greater(x, 0), tf.less(x, 1))],
    ['logicalNot', (x: tf.Tensor) => tf.logicalNot(tf.greater(x, 0))],
  ] as const)('%s has no derivative', (_, f) => {
    tf.tidy(() => {
      expect(() => tf.grad(f)(tf.tensor1d([-1, 0.5]))).toThrow(/truth value, which has no derivative/);
    });
  });

  it('has one again as soon as something is made of it, also within a gradient of a gradient', () => {
    tf.tidy(() => {
      // f(x) = [0 < x < 1]·x³, f″(x) = [0 < x < 1]·6x.
      const f = (x: tf.Tensor): tf.Tensor =>
        tf.mul(tf.cast(tf.logicalAnd(tf.greater(x, 0), tf.less(x, 1)), 'float32'), tf.mul(x, tf.mul(x, x)));
      const second = tf.grad((x: tf.Tensor) => tf.grad(f)(x))(tf.tensor1d([-1, 0.5, 2]));
      expect(values(second)).toEqual([0, 3, 0]);
    });
  });
});

describe('movement', () => {
  // The last index occurs twice: its gradients add up.
  const indices = tf.tensor2d([0, 2, 1, 1, 0, 0, 1, 1], [4, 2], 'int32');

  it('gatherND', () => {
    check((x) => tf.gatherND(x, indices), [uniformTensor([2, 3], 43)]);
    check((x) => tf.gatherND(x, indices), [uniformTensor([2, 3, 2], 44)]);
  });

  it('scatterND', () => {
    check((x) => tf.scatterND(indices, x, [2, 3]), [uniformTensor([4], 45)]);
    check((x) => tf.scatterND(indices, x, [2, 3, 2]), [uniformTensor([4, 2], 46)]);
  });

  it('depthToSpace', () => {
    check((x) => tf.depthToSpace(x as tf.Tensor4D, 2), [uniformTensor([2, 2, 3, 8], 47)]);
  });
});

describe('registration', () => {
  const names = [
    'Maximum',
    'Minimum',
    'SquaredDifference',
    'BatchMatMul',
    'Einsum',
    'Conv2D',
    'Greater',
    'LogicalNot',
    'GatherNd',
    'ScatterNd',
    'DepthToSpace',
  ];

  it('changes nothing the second time', () => {
    const before = names.map((name) => tf.getGradient(name));
    registerMissingGradients();
    expect(names.map((name) => tf.getGradient(name))).toEqual(before);
    names.forEach((name, i) => expect(tf.getGradient(name)).toBe(before[i]));
  });

  it('puts a gradient back that another package took out', () => {
    const ours = tf.getGradient('Maximum');
    tf.unregisterGradient('Maximum');
    registerMissingGradients();
    expect(tf.getGradient('Maximum')).toBe(ours);
  });
});

describe('sumToShape', () => {
  it('sums over nothing where the broadcast was empty', () => {
    tf.tidy(() => {
      const sum = sumToShape(tf.zeros([0, 3]), [1, 3]);
      expect(sum.shape).toEqual([1, 3]);
      expect(values(sum)).toEqual([0, 0, 0]);
    });
  });
});

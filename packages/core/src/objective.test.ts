import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import './index.js';
import { losses } from './losses.js';
import type { LossName } from './losses.js';
import { createObjective, l2 } from './objective.js';
import type { Outputs } from './objective.js';
import { leaked, testVariable, values } from '../test/numeric.js';

describe('named losses', () => {
  it('softmax cross-entropy: integer and one-hot labels agree with −mean log p', () => {
    tf.tidy(() => {
      const logits = tf.tensor2d([
        [1, 2, 0.5],
        [0, -1, 3],
      ]);
      const p = values(tf.softmax(logits));
      const expected = -(Math.log(p[1]!) + Math.log(p[3]!)) / 2;
      const { loss } = losses('softmax-cross-entropy');
      expect(values(loss(logits, tf.tensor1d([1, 0], 'int32')))[0]).toBeCloseTo(expected, 5);
      expect(
        values(
          loss(
            logits,
            tf.tensor2d([
              [0, 1, 0],
              [1, 0, 0],
            ]),
          ),
        )[0],
      ).toBeCloseTo(expected, 5);
    });
  });

  it('sigmoid cross-entropy: −Σ t log σ + (1 − t) log(1 − σ), also where σ saturates', () => {
    tf.tidy(() => {
      const { loss } = losses('sigmoid-cross-entropy');
      const expected = -(Math.log(1 / (1 + Math.exp(-0.5))) + Math.log(1 - 1 / (1 + Math.exp(1.5))));
      expect(values(loss(tf.tensor2d([[0.5, -1.5]]), tf.tensor2d([[1, 0]])))[0]).toBeCloseTo(expected, 5);
      // −log σ(−100) = 100
      expect(values(loss(tf.tensor2d([[-100]]), tf.tensor2d([[1]])))[0]).toBeCloseTo(100, 3);
    });
  });

  it('squared error: ½ Σ (y − t)², mean over the batch', () => {
    tf.tidy(() => {
      const { loss } = losses('squared-error');
      expect(
        values(
          loss(
            tf.tensor2d([
              [1, 2],
              [3, 4],
            ]),
            tf.zeros([2, 2]),
          ),
        )[0],
      ).toBeCloseTo(7.5, 5); // 30/2/2
    });
  });

  it('targets of a shape that would broadcast are refused', () => {
    tf.tidy(() => {
      const column = tf.ones([4, 1]);
      expect(() => losses('squared-error').loss(column, tf.ones([4]))).toThrow(
        /targets are \[4\] and the outputs \[4, 1\]/,
      );
      expect(() => losses('sigmoid-cross-entropy').loss(column, tf.ones([4]))).toThrow(/same shape/);
      expect(() => losses('softmax-cross-entropy').loss(tf.ones([4, 3]), column)).toThrow(
        /expected class numbers \[4\]/,
      );
    });
  });

  it('an unknown name is refused with the known ones', () => {
    expect(() => losses('crossentropy' as LossName)).toThrow(/expected one of softmax-cross-entropy/);
  });
});

describe('createObjective', () => {
  it('takes ρ from the loss by name, and another when told', () => {
    tf.tidy(() => {
      const w = testVariable(tf.scalar(0), 'w');
      const [next, previous] = [tf.tensor2d([[1, 2]]), tf.tensor2d([[0, 0]])];
      const common = { variables: [w], predict: () => next };
      const kl = createObjective({ ...common, loss: 'softmax-cross-entropy' }).divergence(next, previous);
      // KL((.5,.5) ‖ (σ(−1), σ(1))) = −log 2 − ½ (log σ(−1) + log σ(1))
      expect(values(kl)[0]).toBeCloseTo(
        -Math.log(2) + 0.5 * (Math.log(1 + Math.E) + Math.log(1 + 1 / Math.E)),
        5,
      );
      const square = createObjective({
        ...common,
        loss: 'softmax-cross-entropy',
        divergence: 'squared-error',
      });
      expect(values(square.divergence(next, previous))[0]).toBeCloseTo(2.5, 5);
      expect(square.divergenceName).toBe('squared-error');
      const own = createObjective({ ...common, loss: 'squared-error', divergence: () => tf.scalar(0) });
      expect(own.divergenceName).toBeUndefined();
      w.dispose();
    });
  });

  it('sums ρ over several outputs, and hands all of them to a function', () => {
    tf.tidy(() => {
      const w = testVariable(tf.scalar(0), 'w');
      const outputs = [tf.tensor2d([[2]]), tf.tensor2d([[4]])];
      const zeros = [tf.tensor2d([[0]]), tf.tensor2d([[0]])];
      const loss = (): tf.Scalar => tf.scalar(0);
      const summed = createObjective<null>({ variables: [w], predict: () => outputs, loss });
      expect(values(summed.divergence(outputs, zeros))[0]).toBeCloseTo(2 + 8, 5);
      const own = createObjective<null>({
        variables: [w],
        predict: () => outputs,
        loss,
        divergence: (a: Outputs, b: Outputs): tf.Scalar =>
          tf.sum(tf.sub((a as tf.Tensor[])[1]!, (b as tf.Tensor[])[1]!)),
      });
      expect(values(own.divergence(outputs, zeros))[0]).toBeCloseTo(4, 5);
      w.dispose();
    });
  });

  it('l2 is ½ c Σ ‖v‖²', async () => {
    const w = testVariable(tf.tensor1d([3, 4]), 'w');
    const penalty = l2([w], 0.1);
    tf.tidy(() => {
      expect(values(penalty())[0]).toBeCloseTo(1.25, 6);
    });
    expect(await leaked(() => penalty().dispose())).toBe(0);
    w.dispose();
  });

  it('refuses no variables, two of one name, and a named loss on two outputs', () => {
    const w = testVariable(tf.scalar(0), 'w');
    const common = { predict: () => [w, w], loss: 'squared-error' as const };
    expect(() => createObjective({ ...common, variables: [] })).toThrow(/no variables/);
    expect(() => createObjective({ ...common, variables: [w, w] })).toThrow(/Two variables are called/);
    const objective = createObjective({ ...common, variables: [w] });
    expect(() => objective.loss([w, w], { inputs: w, targets: w })).toThrow(/predict returned 2/);
    w.dispose();
  });
});

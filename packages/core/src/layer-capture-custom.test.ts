/** What the gradient of an op is that has one of its own, nobody can tell from its kernels: they are no layers. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '#gradients';
import { describe, expect, it } from 'vitest';
import type { Objective, SupervisedBatch } from './index.js';
import { basePass } from './base-pass.js';
import { captureLayers } from './layer-capture.js';
import { kindsOf } from '../test/layer-uses.js';
import { values } from '../test/numeric.js';
import { twoLayers } from '../test/two-layers.js';

const whole = { wholeObjective: true };

/** −∂J/∂x in the place of ∂J/∂x. */
const reversed = (): ((x: tf.Tensor) => tf.Tensor) =>
  tf.customGrad((x) => ({ value: tf.clone(x as tf.Tensor), gradFunc: (dy: tf.Tensor) => tf.neg(dy) }));

/** x W, with `factor` times its gradient. */
const product = (factor: number): ((x: tf.Tensor, w: tf.Tensor) => tf.Tensor) =>
  tf.customGrad((...inputs) => {
    const [x, w, save] = inputs as unknown as [tf.Tensor2D, tf.Tensor2D, tf.GradSaveFunc];
    save([x, w]);
    return {
      value: tf.matMul(x, w),
      gradFunc: (dy, saved) => {
        const [rows, kernel] = saved as [tf.Tensor2D, tf.Tensor2D];
        const delta: tf.Tensor2D = tf.mul(dy, factor);
        return [tf.matMul(delta, kernel, false, true), tf.matMul(rows, delta, true)];
      },
    };
  });

describe('ops with a gradient of their own', () => {
  const [reversedBefore, productBefore, tripledBefore] = [reversed(), product(1), product(3)];
  const plain = (x: tf.Tensor, w: tf.Tensor): tf.Tensor => tf.matMul(x, w);

  it.each<[string, (x: tf.Tensor, w: tf.Tensor) => tf.Tensor, number]>([
    ['a product, made before the pass', productBefore, 1],
    ['a product with another gradient, made before the pass', tripledBefore, 3],
    ['a product with another gradient, made inside', (x, w) => product(3)(x, w), 3],
    ['a reversed gradient, made before the pass', (x, w) => plain(x, reversedBefore(w)), -1],
    ['a reversed gradient, made inside', (x, w) => plain(x, reversed()(w)), -1],
  ])('%s', (_, op, factor) => {
    const { objective, batch, variables, names, dispose } = twoLayers();
    const [w1, b1, w2] = variables as unknown as [tf.Tensor2D, tf.Tensor1D, tf.Tensor2D];
    const changed: Objective<SupervisedBatch> = {
      ...objective,
      predict: ({ inputs }) => plain(tf.tanh(tf.add(op(inputs, w1), b1)), w2),
    };
    tf.tidy(() => {
      const capture = captureLayers(changed, { batch, seed: 3 }, whole);
      expect(kindsOf(capture, names[0])).toContain('other');
      expect(kindsOf(capture, names[2])).toEqual(['dense']);
      // Its gradient is `factor` times that of x W.
      const expected = values(basePass(objective, [{ batch, seed: 3 }]).gradients[names[0]]!);
      values(capture.gradients[names[0]]!).forEach((value, i) => {
        expect(value).toBeCloseTo(factor * expected[i]!, 5);
      });
    });
    dispose();
  });

  it('a gradient that is a part of the objective uses the kernel, too', () => {
    const penalized = twoLayers(([w1]) => ({
      // ∂/∂x Σ tanh(x W) = (1 − tanh²) Wᵀ, with a copy of W that the engine saved.
      loss(outputs, { inputs }) {
        const slope = tf.grad((x: tf.Tensor) => tf.tanh(plain(x, w1 as unknown as tf.Tensor)))(inputs);
        return tf.add(tf.mean(tf.square(outputs as tf.Tensor)), tf.mean(tf.square(slope)));
      },
    }));
    const { objective, batch, names, dispose } = penalized;
    tf.tidy(() => {
      const capture = captureLayers(objective, { batch, seed: 3 }, whole);
      expect(kindsOf(capture, names[0])).toEqual(['dense', 'dense', 'dense']);
      const parts = capture.uses.flatMap((use) =>
        use.kind === 'dense' && use.kernel === names[0]
          ? [use.transposed ? [use.outputGradients, use.inputs] : [use.inputs, use.outputGradients]]
          : [],
      ) as [tf.Tensor2D, tf.Tensor2D][];
      const sum = values(tf.addN(parts.map(([x, delta]) => tf.matMul(x, delta, true))));
      values(capture.gradients[names[0]]!).forEach((value, i) => {
        expect(sum[i]).toBeCloseTo(value, 5);
      });
    });
    dispose();
  });

  it('kernels that a kernel calls are its own affair', () => {
    const { objective, batch, variables, names, dispose } = twoLayers();
    const bias = variables[1]!;
    tf.registerKernel({
      kernelName: 'AddByAdd',
      backendName: tf.getBackend(),
      kernelFunc: ({ inputs }) => tf.add(inputs['a'] as tf.Tensor, inputs['b'] as tf.Tensor),
    });
    tf.registerGradient({
      kernelName: 'AddByAdd',
      gradFunc: (dy) => ({ a: () => dy as tf.Tensor, b: () => tf.sum(dy as tf.Tensor, 0) }),
    });
    const changed: Objective<SupervisedBatch> = {
      ...objective,
      predict: () => tf.engine().runKernel<tf.Tensor>('AddByAdd', { a: tf.zeros([4, 5]), b: bias }),
      loss: (outputs) => tf.mean(tf.square(outputs as tf.Tensor)),
    };
    tf.tidy(() => {
      const capture = captureLayers(changed, { batch, seed: 3 }, whole);
      expect(capture.uses).toEqual([{ kind: 'other', variable: names[1], kernelName: 'AddByAdd' }]);
    });
    tf.unregisterKernel('AddByAdd', tf.getBackend());
    tf.unregisterGradient('AddByAdd');
    dispose();
  });
});

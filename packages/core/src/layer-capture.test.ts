/** Captured layers of networks of plain functions. */
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createObjective, l2 } from './index.js';
import type { Objective, SupervisedBatch } from './index.js';
import { captureLayers } from './layer-capture.js';
import type { LayerCapture } from './layer-capture.js';
import { basePass } from './base-pass.js';
import { normalTensor } from '../test/layers-models.js';
import { expectClose, kindOf, useOf } from '../test/layer-uses.js';
import { leaked, testVariable, values } from '../test/numeric.js';

interface Mlp {
  readonly variables: tf.Variable[];
  readonly objective: Objective<SupervisedBatch>;
  readonly batch: SupervisedBatch;
}

/** 3 → 4 (tanh) → 2 with ½ squared error. */
function mlp(): Mlp {
  const variables = [
    testVariable(normalTensor([3, 4], 1), 'w1'),
    testVariable(normalTensor([4], 2), 'b1'),
    testVariable(normalTensor([4, 2], 3), 'w2'),
    testVariable(normalTensor([2], 4), 'b2'),
  ] as const;
  const [w1, b1, w2, b2] = variables as unknown as tf.Tensor[];
  const objective = createObjective({
    variables: [...variables],
    predict: ({ inputs }: SupervisedBatch) =>
      tf.add(tf.matMul(tf.tanh(tf.add(tf.matMul(inputs as tf.Tensor2D, w1!), b1!)), w2!), b2!),
    loss: 'squared-error',
  });
  return {
    variables: [...variables],
    objective,
    batch: { inputs: normalTensor([5, 3], 5), targets: normalTensor([5, 2], 6) },
  };
}

function dispose({ variables, batch }: Mlp): void {
  tf.dispose([...variables, batch.inputs, batch.targets]);
}

describe('captureLayers on a network of plain functions', () => {
  it('gives X̄ and Δ of each layer by the explicit formulas, pairs biases by use, and the ordinary gradients', () => {
    const net = mlp();
    tf.tidy(() => {
      const capture = captureLayers(net.objective, { batch: net.batch, seed: 0 });
      const [w1, b1, w2, b2] = net.variables as tf.Tensor[];
      const { inputs, targets } = net.batch;
      const hidden = tf.tanh(tf.add(tf.matMul(inputs as tf.Tensor2D, w1 as tf.Tensor2D), b1!));
      const outputs = tf.add(tf.matMul(hidden as tf.Tensor2D, w2 as tf.Tensor2D), b2!);
      // J = ½ Σ (y − t)² / 5, so Δ₂ = (y − t)/5 and Δ₁ = Δ₂ W₂ᵀ ⊙ (1 − h²).
      const delta2 = tf.div(tf.sub(outputs, targets), 5);
      const delta1 = tf.mul(
        tf.matMul(delta2 as tf.Tensor2D, w2 as tf.Tensor2D, false, true),
        tf.sub(1, tf.square(hidden)),
      );
      const [first, second] = [useOf(capture, 'dense', 'w1'), useOf(capture, 'dense', 'w2')];
      expectClose(first.inputs, inputs);
      expectClose(second.inputs, hidden);
      expectClose(first.outputGradients, delta1);
      expectClose(second.outputGradients, delta2);
      expect([first.bias, second.bias]).toEqual([net.variables[1]!.name, net.variables[3]!.name]);
      expect([first.transposed, first.matrixShape]).toEqual([false, [3, 4]]);
      expect(capture.uses).toHaveLength(2);
      expect(capture.examples).toBe(5);
      const base = basePass(net.objective, [{ batch: net.batch, seed: 0 }]);
      expect(values(capture.loss)).toEqual(values(base.loss));
      for (const { name } of net.variables)
        expect(values(capture.gradients[name]!)).toEqual(values(base.gradients[name]!));
    });
    dispose(net);
  });

  it('sends other cotangents back through the same forward pass', () => {
    const net = mlp();
    tf.tidy(() => {
      const cotangent = normalTensor([5, 2], 8);
      const capture = captureLayers(
        net.objective,
        { batch: net.batch, seed: 0 },
        { cotangents: ([f]) => [[tf.zerosLike(f!)], [cotangent]] },
      );
      const [w1, b1, w2] = net.variables as tf.Tensor[];
      const hidden = tf.tanh(tf.add(tf.matMul(net.batch.inputs as tf.Tensor2D, w1 as tf.Tensor2D), b1!));
      const delta1 = tf.mul(
        tf.matMul(cotangent as tf.Tensor2D, w2 as tf.Tensor2D, false, true),
        tf.sub(1, tf.square(hidden)),
      );
      const first = useOf(capture, 'dense', 'w1');
      expectClose(first.cotangentGradients[0]!, tf.zeros([5, 4]));
      expectClose(first.cotangentGradients[1]!, delta1);
      expectClose(useOf(capture, 'dense', 'w2').cotangentGradients[1]!, cotangent);
      // The gradient of J itself is untouched.
      const plain = captureLayers(net.objective, { batch: net.batch, seed: 0 });
      expectClose(first.outputGradients, useOf(plain, 'dense', 'w1').outputGradients);
    });
    dispose(net);
  });

  it('leaves nothing behind, also when the loss throws, and the engine as it was', async () => {
    const net = mlp();
    const doors = [tf.engine().runKernel, tf.engine().customGrad];
    expect(
      await leaked(() => {
        tf.tidy(() => {
          captureLayers(
            net.objective,
            { batch: net.batch, seed: 0 },
            { cotangents: ([f]) => [[tf.onesLike(f!)]] },
          );
        });
      }),
    ).toBe(0);
    const wrong = { ...net.batch, targets: normalTensor([4, 2], 6) };
    const failure = (pass: () => void): Promise<number> =>
      leaked(() => {
        expect(() => {
          tf.tidy(pass);
        }).toThrow(/expected the same shape/);
      });
    // What the engine itself keeps of a pass that fails on the way.
    const ordinary = await failure(() => void basePass(net.objective, [{ batch: wrong, seed: 0 }]));
    expect(await failure(() => void captureLayers(net.objective, { batch: wrong, seed: 0 }))).toBe(ordinary);
    const failing = {
      ...net.objective,
      predict: (batch: SupervisedBatch): tf.Tensor => {
        net.objective.predict(batch, true);
        throw new Error('broken layer');
      },
    };
    expect(() => tf.tidy(() => void captureLayers(failing, { batch: net.batch, seed: 0 }))).toThrow(
      'broken layer',
    );
    expect([tf.engine().runKernel, tf.engine().customGrad]).toEqual(doors);
    expect(Object.hasOwn(tf.engine(), 'runKernel')).toBe(false);
    dispose(net);
    wrong.targets.dispose();
  });

  it('works inside itself', () => {
    const net = mlp();
    tf.tidy(() => {
      let inner: LayerCapture | undefined;
      let innerGradient: tf.Tensor | undefined;
      const nested = {
        ...net.objective,
        predict: (batch: SupervisedBatch, training: boolean) => {
          inner = captureLayers(net.objective, { batch, seed: 0 });
          innerGradient = tf.keep(tf.clone(useOf(inner, 'dense', 'w2').outputGradients));
          return net.objective.predict(batch, training);
        },
      };
      const outer = captureLayers(nested, { batch: net.batch, seed: 0 });
      expect(inner!.uses).toHaveLength(2);
      // The outer one sees the inner one's passes, too; its own comes last.
      const own = kindOf(outer, 'dense')
        .filter((use) => !use.transposed)
        .at(-1)!;
      expectClose(own.outputGradients, innerGradient!);
      innerGradient!.dispose();
    });
    dispose(net);
  });

  it('a weight that is used twice has two uses, whose products add up to its gradient', () => {
    const w = testVariable(normalTensor([3, 3], 1), 'w');
    const objective = createObjective({
      variables: [w],
      predict: ({ inputs }: SupervisedBatch) =>
        tf.matMul(
          tf.tanh(tf.matMul(inputs as tf.Tensor2D, w as unknown as tf.Tensor2D)),
          w as unknown as tf.Tensor2D,
        ),
      loss: 'squared-error',
      regularizer: l2([w], 0),
    });
    const batch = { inputs: normalTensor([4, 3], 2), targets: normalTensor([4, 3], 3) };
    tf.tidy(() => {
      const capture = captureLayers(objective, { batch, seed: 0 });
      const uses = [0, 1].map((i) => useOf(capture, 'dense', 'w', i));
      const sum = tf.addN(
        uses.map((use) =>
          tf.matMul(use.inputs as tf.Tensor2D, use.outputGradients as tf.Tensor2D, true, false),
        ),
      );
      expectClose(capture.gradients[w.name]!, sum);
    });
    tf.dispose([w, batch.inputs, batch.targets]);
  });

  it('recognises transposed weights, embeddings, scales, shifts and depthwise convolutions; reports the rest', () => {
    const table = testVariable(normalTensor([6, 3], 1), 'table');
    const w = testVariable(normalTensor([2, 3], 2), 'wT');
    const gain = testVariable(normalTensor([2], 3), 'gain');
    const shift = testVariable(normalTensor([2], 4), 'shift');
    const odd = testVariable(normalTensor([2], 5), 'odd');
    const unused = testVariable(normalTensor([2], 6), 'unused');
    const objective = createObjective({
      variables: [table, w, gain, shift, odd, unused],
      predict: ({ inputs }: SupervisedBatch) => {
        const picked = tf.gather(table, tf.cast(inputs, 'int32'));
        const y = tf.matMul(picked, w, false, true);
        return tf.mul(tf.add(tf.mul(tf.tanh(y), gain), shift), tf.exp(odd as tf.Tensor));
      },
      loss: 'squared-error',
    });
    const batch = { inputs: tf.tensor1d([0, 5, 5, 2]), targets: normalTensor([4, 2], 7) };
    tf.tidy(() => {
      const capture = captureLayers(objective, { batch, seed: 0 });
      const dense2 = useOf(capture, 'dense', 'wT');
      expect([dense2.transposed, dense2.matrixShape]).toEqual([true, [3, 2]]);
      // [out, in] = (X̄ᵀ Δ)ᵀ
      expectClose(capture.gradients[w.name]!, tf.matMul(dense2.outputGradients, dense2.inputs, true, false));
      const embedding = useOf(capture, 'embedding', 'table');
      expect(values(embedding.inputs)).toEqual([0, 5, 5, 2]);
      expectClose(
        capture.gradients[table.name]!,
        tf.matMul(
          tf.cast(tf.oneHot(embedding.inputs as tf.Tensor1D, 6), 'float32'),
          embedding.outputGradients,
          true,
          false,
        ),
      );
      const scale = useOf(capture, 'scale', 'gain');
      expectClose(capture.gradients[gain.name]!, tf.sum(tf.mul(scale.inputs, scale.outputGradients), 0));
      expectClose(
        capture.gradients[shift.name]!,
        tf.sum(useOf(capture, 'shift', 'shift').outputGradients, 0),
      );
      expect(useOf(capture, 'other', 'odd').kernelName).toBe('Exp');
      expect(capture.uses.some((use) => ('kernel' in use ? use.kernel : use.variable) === unused.name)).toBe(
        false,
      );
    });
    tf.dispose([table, w, gain, shift, odd, unused, batch.inputs, batch.targets]);
  });
});

/** Whose gradient Δ is: a bias has that of its layer's output only when the sum is all that the output is used for. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, it } from 'vitest';
import { createObjective } from './index.js';
import type { LayerUse, Objective, SupervisedBatch } from './index.js';
import { basePass } from './base-pass.js';
import { captureLayers } from './layer-capture.js';
import { expectClose } from '../test/layer-uses.js';
import { leaked, testVariable, uniformTensor, values } from '../test/numeric.js';

type Head = (y: tf.Tensor, bias: tf.Tensor) => tf.Tensor | tf.Tensor[];

/** f = head(x W, b) on four rows, with J = mean f² over all outputs. */
function setting(head: Head, regularizer?: (y: tf.Tensor) => tf.Scalar) {
  const w = testVariable(uniformTensor([3, 2], 1), 'kernel');
  const b = testVariable(uniformTensor([2], 2), 'bias');
  const batch = { inputs: uniformTensor([4, 3], 3), targets: uniformTensor([4, 2], 4) };
  let y: tf.Tensor | undefined;
  const objective: Objective<SupervisedBatch> = createObjective<SupervisedBatch>({
    variables: [w, b],
    predict: ({ inputs }) => {
      y = tf.matMul(inputs, w);
      return head(y, b);
    },
    loss: (outputs) => tf.mean(tf.square(tf.concat([outputs].flat(), 0))),
    ...(regularizer && { regularizer: () => regularizer(y!) }),
  });
  return { objective, batch, w, b, dispose: () => tf.dispose([w, b, batch.inputs, batch.targets]) };
}

/** −∂J/∂x in the place of ∂J/∂x. */
const reversed = (): ((x: tf.Tensor) => tf.Tensor) =>
  tf.customGrad((x) => ({ value: tf.clone(x as tf.Tensor), gradFunc: (dy: tf.Tensor) => tf.neg(dy) }));
const reversedBefore = reversed();

/** Σ over rows of Δ at the uses of the bias. */
function biasGradient(uses: readonly LayerUse[], bias: string): tf.Tensor {
  const own = uses.flatMap((use) =>
    (use.kind === 'dense' && use.bias === bias) || (use.kind === 'shift' && use.variable === bias)
      ? [tf.sum(tf.reshape(use.outputGradients, [-1, 2]), 0)]
      : [],
  );
  return tf.addN(own);
}

const kindsOf = (uses: readonly LayerUse[], bias: string): string[] =>
  uses.flatMap((use) => (('kernel' in use ? use.bias : use.variable) === bias ? [use.kind] : []));

describe('the bias of a layer', () => {
  it.each<[string, Head, string[]]>([
    ['is added to its output', (y, b) => tf.tanh(tf.add(y, b)), ['dense']],
    ['is added to a view of it', (y, b) => tf.tanh(tf.add(tf.reshape(y, [2, 2, 2]), b)), ['dense']],
    ['is a shift beside a skip connection', (y, b) => tf.add(tf.tanh(tf.add(y, b)), y), ['shift']],
    [
      'is a shift beside a reader of a view',
      (y, b) => tf.concat([tf.tanh(tf.add(y, b)), tf.reshape(tf.square(tf.reshape(y, [8])), [4, 2])], 0),
      ['shift'],
    ],
    ['is a shift beside a repetition', (y, b) => [tf.add(y, b), tf.tanh(tf.tile(y, [2, 1]))], ['shift']],
    [
      'is a shift beside an op with several outputs',
      (y, b) => [tf.tanh(tf.add(y, b)), ...tf.unstack(tf.reshape(y, [2, 2, 2]))],
      ['shift'],
    ],
    [
      'is a shift beside an op with a gradient of its own',
      (y, b) => tf.add(tf.tanh(tf.add(y, b)), reversed()(y)),
      ['shift'],
    ],
    [
      'is a shift beside such an op made before',
      (y, b) => tf.add(tf.tanh(tf.add(y, b)), reversedBefore(y)),
      ['shift'],
    ],
    ['is a shift behind such an op', (y, b) => tf.tanh(tf.add(reversed()(y), b)), ['shift']],
    ['is a shift behind such an op made before', (y, b) => tf.tanh(tf.add(reversedBefore(y), b)), ['shift']],
    ['is a shift where the output is a prediction, too', (y, b) => [tf.tanh(tf.add(y, b)), y], ['shift']],
    [
      'is a shift when it is added twice',
      (y, b) => [tf.tanh(tf.add(y, b)), tf.add(y, b)],
      ['shift', 'shift'],
    ],
    ['is a shift behind a first one', (y, b) => tf.tanh(tf.add(tf.add(y, b), b)), ['dense', 'shift']],
  ])('%s', (_, head, kinds) => {
    const { objective, batch, w, b, dispose } = setting(head);
    tf.tidy(() => {
      const capture = captureLayers(objective, { batch, seed: 0 });
      const base = basePass(objective, [{ batch, seed: 0 }]);
      expect(kindsOf(capture.uses, b.name)).toEqual(kinds);
      expect(values(capture.gradients[b.name]!)).toEqual(values(base.gradients[b.name]!));
      expectClose(biasGradient(capture.uses, b.name), base.gradients[b.name]!);
      const [layer] = capture.uses;
      if (layer?.kind !== 'dense') throw new Error('no dense layer');
      expectClose(tf.matMul(layer.inputs, layer.outputGradients, true), base.gradients[w.name]!);
    });
    dispose();
  });

  it('is a shift where the regulariser reads the output, when that is looked at', () => {
    const { objective, batch, b, dispose } = setting(
      (y, bias) => tf.tanh(tf.add(y, bias)),
      (y) => tf.sum(tf.square(y)),
    );
    tf.tidy(() => {
      const { uses, gradients } = captureLayers(objective, { batch, seed: 0 }, { wholeObjective: true });
      expect(kindsOf(uses, b.name)).toEqual(['shift']);
      expectClose(biasGradient(uses, b.name), gradients[b.name]!);
    });
    dispose();
  });

  it('has the other cotangents of its own sum as well', () => {
    const { objective, batch, b, dispose } = setting((y, bias) => tf.add(tf.tanh(tf.add(y, bias)), y));
    tf.tidy(() => {
      const { uses } = captureLayers(
        objective,
        { batch, seed: 0 },
        { cotangents: ([f]) => [[tf.onesLike(f!)]] },
      );
      const shift = uses.find((use) => use.kind === 'shift');
      // ∂f/∂(y + b) = 1 − tanh²(y + b).
      const w = objective.variables[0]!;
      const sum = tf.add(tf.matMul(batch.inputs, w as tf.Tensor), b);
      expectClose(shift!.cotangentGradients[0]!, tf.sub(1, tf.square(tf.tanh(sum))));
    });
    dispose();
  });

  it('is one that a rule cannot take from the rows, when the rows are not those of the sum', () => {
    const { objective, batch, b, w, dispose } = setting((y, bias) => tf.add(tf.tanh(tf.add(y, bias)), y));
    tf.tidy(() => {
      const { uses } = captureLayers(
        objective,
        { batch, seed: 0 },
        { wholeObjective: true, only: () => true },
      );
      expect(uses.map((use) => [use.kind, 'kernel' in use ? use.kernel : use.variable])).toEqual([
        ['dense', w.name],
        ['other', b.name],
      ]);
    });
    dispose();
  });

  it('leaves nothing behind', async () => {
    const { objective, batch, dispose } = setting((y, b) => tf.add(tf.tanh(tf.add(y, b)), y));
    expect(await leaked(() => tf.tidy(() => void captureLayers(objective, { batch, seed: 0 })))).toBe(0);
    dispose();
  });
});

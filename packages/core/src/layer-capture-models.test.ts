/** Layers of tfjs-layers as captured layers: convolutions, normalisation, dropout and sequences. */
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRandom, fromLayersModel } from './index.js';
import { captureLayers } from './layer-capture.js';
import type { LayerUse } from './layer-use.js';
import { basePass } from './base-pass.js';
import { dense, normalTensor, oneHotTargets } from '../test/layers-models.js';
import { expectClose, kindOf, useOf } from '../test/layer-uses.js';
import { values } from '../test/numeric.js';

/** Σ over positions of (window of X)ᵀ Δ by loops: the gradient of the kernel `[kh, kw, in, out]`. */
function kernelGradient(use: Extract<LayerUse, { kind: 'convolution' }>): tf.Tensor {
  const { strides, dilations, padding, kernelSize, outputSize } = use.geometry;
  const { inputs, outputGradients } = use;
  const [count, height, width, channels] = inputs.shape as [number, number, number, number];
  const out = outputGradients.shape[3]!;
  const [x, delta] = [values(inputs), values(outputGradients)];
  const size = kernelSize[0] * kernelSize[1] * channels * out;
  const result = new Float64Array(size);
  for (let n = 0; n < count; n++)
    for (let oy = 0; oy < outputSize[0]; oy++)
      for (let ox = 0; ox < outputSize[1]; ox++)
        for (let ky = 0; ky < kernelSize[0]; ky++)
          for (let kx = 0; kx < kernelSize[1]; kx++) {
            const iy = oy * strides[0] + ky * dilations[0] - padding[0][0];
            const ix = ox * strides[1] + kx * dilations[1] - padding[1][0];
            if (iy < 0 || ix < 0 || iy >= height || ix >= width) continue;
            for (let c = 0; c < channels; c++)
              for (let o = 0; o < out; o++) {
                const at = ((n * outputSize[0] + oy) * outputSize[1] + ox) * out + o;
                result[((ky * kernelSize[1] + kx) * channels + c) * out + o]! +=
                  x[((n * height + iy) * width + ix) * channels + c]! * delta[at]!;
              }
          }
  return tf.tensor(Float32Array.from(result), [...kernelSize, channels, out]);
}

describe('captureLayers on models of tfjs-layers', () => {
  for (const [strides, padding] of [
    [1, 'same'],
    [2, 'same'],
    [1, 'valid'],
    [2, 'valid'],
  ] as const) {
    it(`convolutions with strides ${strides} and padding ${padding}: images, geometry and Δ make up the gradient`, () => {
      const model = tf.sequential({
        layers: [
          tf.layers.conv2d({
            filters: 3,
            kernelSize: [3, 2],
            strides,
            padding,
            activation: 'relu',
            inputShape: [6, 5, 2],
            kernelInitializer: tf.initializers.glorotUniform({ seed: 1 }),
          }),
          tf.layers.conv2d({
            filters: 2,
            kernelSize: 2,
            padding: 'same',
            kernelInitializer: tf.initializers.glorotUniform({ seed: 2 }),
          }),
          tf.layers.flatten(),
          dense({ units: 3, seed: 3, activation: 'softmax' }),
        ],
      });
      model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
      const objective = fromLayersModel(model);
      const batch = { inputs: [normalTensor([4, 6, 5, 2], 4)], targets: [oneHotTargets(4, 3, 5)] };
      tf.tidy(() => {
        const capture = captureLayers(objective, { batch, seed: 0 });
        const convolutions = kindOf(capture, 'convolution');
        expect(convolutions).toHaveLength(2);
        for (const use of convolutions) {
          expectClose(capture.gradients[use.kernel]!, kernelGradient(use), 1e-4);
          expectClose(capture.gradients[use.bias!]!, tf.sum(use.outputGradients, [0, 1, 2]), 1e-4);
        }
        const [last] = kindOf(capture, 'dense');
        expectClose(
          capture.gradients[last!.kernel]!,
          tf.matMul(last!.inputs, last!.outputGradients, true, false),
          1e-4,
        );
        expectClose(capture.gradients[last!.bias!]!, tf.sum(last!.outputGradients, 0), 1e-4);
        expect(capture.uses).toHaveLength(3);
      });
      model.dispose();
      tf.dispose([batch.inputs, batch.targets]);
    });
  }

  it('BatchNorm, dropout, depthwise and sequence layers: every variable is accounted for, the gradients are the ordinary ones', () => {
    const model = tf.sequential({
      layers: [
        tf.layers.depthwiseConv2d({ kernelSize: 2, inputShape: [4, 4, 2], depthMultiplier: 2 }),
        tf.layers.batchNormalization(),
        tf.layers.dropout({ rate: 0.4 }),
        tf.layers.reshape({ targetShape: [9, 4] }),
        tf.layers.dense({ units: 3, activation: 'tanh' }),
        tf.layers.conv1d({ filters: 3, kernelSize: 2 }),
        tf.layers.layerNormalization(),
        tf.layers.globalAveragePooling1d({}),
        tf.layers.dense({ units: 2, useBias: false }),
        tf.layers.batchNormalization(),
      ],
    });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const objective = fromLayersModel(model);
    const batch = { inputs: [normalTensor([3, 4, 4, 2], 4)], targets: [normalTensor([3, 2], 5)] };
    tf.tidy(() => {
      const capture = captureLayers(objective, { batch, seed: 11 });
      const base = basePass(objective, [{ batch, seed: 11 }]);
      for (const { name } of objective.variables)
        expect(values(capture.gradients[name]!), name).toEqual(values(base.gradients[name]!));
      expect(capture.uses.filter((use) => use.kind === 'other')).toEqual([]);
      const mentioned = new Set(
        capture.uses.flatMap((use) => ('kernel' in use ? [use.kernel, use.bias ?? ''] : [use.variable])),
      );
      for (const { name } of objective.variables) expect(mentioned.has(name), name).toBe(true);
      const sequence = kindOf(capture, 'dense')[0]!;
      expect(sequence.inputs.shape).toEqual([27, 4]);
      expectClose(
        capture.gradients[sequence.kernel]!,
        tf.matMul(sequence.inputs, sequence.outputGradients, true, false),
        1e-4,
      );
      for (const use of capture.uses) {
        if (use.kind !== 'scale' && use.kind !== 'shift') continue;
        const terms = use.kind === 'scale' ? tf.mul(use.inputs, use.outputGradients) : use.outputGradients;
        const axes = terms.shape.map((_, i) => i).slice(0, -1);
        expectClose(capture.gradients[use.variable]!, tf.sum(terms, axes), 1e-3);
      }
    });
    model.dispose();
    tf.dispose([batch.inputs, batch.targets]);
  });

  it('the same seed gives the same bits', () => {
    const random = createRandom(3);
    const model = tf.sequential({
      layers: [
        dense({ units: 4, seed: 1, inputShape: [3] }),
        tf.layers.dropout({ rate: 0.5 }),
        dense({ units: 2, seed: 2 }),
      ],
    });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const objective = fromLayersModel(model);
    const batch = { inputs: [normalTensor([4, 3], 4)], targets: [normalTensor([4, 2], 5)] };
    const seed = random.integer(1000);
    tf.tidy(() => {
      const [one, two, third] = [seed, seed, seed + 1].map((s) =>
        values(useOf(captureLayers(objective, { batch, seed: s }), 'dense', 'kernel', 1).inputs),
      );
      expect(one).toEqual(two);
      expect(one).not.toEqual(third);
    });
    model.dispose();
    tf.dispose([batch.inputs, batch.targets]);
  });
});

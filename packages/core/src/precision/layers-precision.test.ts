/** A tfjs-layers model in 16 bits: dense layers, BatchNorm and dropout, by `fromLayersModel` and inside `model.fit`. */
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { normalTensor, oneHotTargets, sequentialClassifier } from '../../test/layers-models.js';
import { values } from '../../test/numeric.js';
import { hasAll } from '../../test/sixteen-bit.js';
import { Apo, attachOptimizer, momentum, withPrecision, withRulePrecision } from '../index.js';

it.each(['bf16', 'fp16'] as const)(
  'fits in %s: weights in the format, moving averages in float32',
  async (precision) => {
    const before = tf.memory().numTensors;
    const model = sequentialClassifier();
    model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
    const attachment = attachOptimizer(
      model,
      (objective) =>
        new Apo(withPrecision(objective, precision), withRulePrecision(momentum(), precision), { seed: 1 }),
    );
    const [x, y] = [normalTensor([24, 4], 1), oneHotTargets(24, 3, 2)];
    const { history } = await model.fit(x, y, { epochs: 12, batchSize: 8, shuffle: false });
    const losses = history['loss'] as number[];
    expect(losses.at(-1)).toBeLessThan(0.8 * losses[0]!);

    for (const weight of model.trainableWeights) {
      expect(hasAll(precision, values(weight.read()))).toBe(true);
    }
    const averages = model.nonTrainableWeights.map((weight) => values(weight.read()));
    expect(averages.length).toBe(2);
    for (const average of averages) expect(hasAll(precision, average)).toBe(false);
    tf.tidy(() => {
      const [outputs] = [attachment.objective.predict({ inputs: [x], targets: [y] }, false)].flat();
      expect(hasAll(precision, values(outputs!))).toBe(true);
      // The model by itself runs in float32.
      expect(hasAll(precision, values(model.predict(x) as tf.Tensor))).toBe(false);
    });

    attachment.dispose();
    model.dispose();
    tf.dispose([x, y]);
    expect(tf.memory().numTensors).toBe(before);
  },
);

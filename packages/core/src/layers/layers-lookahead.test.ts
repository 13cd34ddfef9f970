import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { Apo } from '../apo.js';
import { fromLayersModel } from './layers-model.js';
import type { MetaStepStatistics } from '../optimizer.js';
import { RuleOptimizer } from '../rule-optimizer.js';
import { sgd } from '../rules/sgd.js';
import { values } from '../../test/numeric.js';

/** BatchNorm, unseeded dropout of two kinds and noise, with weights that do not depend on chance. */
function noisyModel(): tf.LayersModel {
  const dense = (units: number, seed: number): tf.layers.Layer =>
    tf.layers.dense({ units, kernelInitializer: tf.initializers.glorotUniform({ seed }) });
  const model = tf.sequential({
    layers: [
      tf.layers.inputLayer({ inputShape: [5] }),
      dense(16, 1),
      tf.layers.batchNormalization(),
      tf.layers.dropout({ rate: 0.4 }),
      tf.layers.gaussianNoise({ stddev: 0.3 }),
      tf.layers.alphaDropout({ rate: 0.2 }),
      dense(2, 2),
    ],
  });
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  return model;
}

describe('a lookahead on a model with random layers and batch statistics', () => {
  it('sees the masks of the base pass: where θ′ = θ, J(θ′) is J(θ) and ρ is 0, to the bit', async () => {
    const model = noisyModel();
    const [inputs, targets] = [[tf.randomNormal([12, 5])], [tf.randomNormal([12, 2])]];
    // A rate that float32 subtraction cannot see: the lookahead stands at θ itself.
    const apo = new Apo(fromLayersModel(model), sgd({ learningRate: 1e-30 }), {
      preset: 'paper',
      interval: 1,
    });
    const seen: MetaStepStatistics[] = [];
    apo.onMetaStep((statistics) => seen.push(statistics));
    const losses: number[] = [];
    for (let i = 0; i < 4; i++) {
      const loss = apo.step({ inputs, targets }, { inputs, targets }, { returnLoss: true })!;
      losses.push(...values(loss));
      loss.dispose();
    }
    await apo.flush();
    expect(seen.map(({ loss }) => loss)).toEqual(losses);
    expect(seen.map(({ fsd }) => fsd)).toEqual([0, 0, 0, 0]);
    // The masks are new at every step.
    expect(new Set(losses).size).toBe(4);
    apo.dispose();
    model.dispose();
    tf.dispose([...inputs, ...targets]);
  });

  it('leaves the BatchNorm averages as plain training would', () => {
    const batches = Array.from({ length: 5 }, (_, i) => ({
      inputs: [tf.randomNormal([12, 5], i, 1, 'float32', i + 1)],
      targets: [tf.randomNormal([12, 2], 0, 1, 'float32', i + 50)],
    }));
    const averages = [true, false].map((adapts) => {
      const model = noisyModel();
      const objective = fromLayersModel(model);
      const rule = sgd({ learningRate: 1e-30 });
      const optimizer = adapts
        ? new Apo(objective, rule, { preset: 'paper', interval: 1, lambdaWsd: 0.1 })
        : new RuleOptimizer(objective, rule);
      batches.forEach((batch, i) => optimizer.step(batch, batches[(i + 1) % 5]));
      const result = objective.stateVariables.map(values);
      optimizer.dispose();
      model.dispose();
      return result;
    });
    expect(averages[0]).toEqual(averages[1]);
    expect(averages[0]!.flat().some((x) => x !== 0 && x !== 1)).toBe(true);
    tf.dispose(batches.flatMap(({ inputs, targets }) => [...inputs, ...targets]));
  });
});

import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { Apo, clipByGlobalNorm, l2, microBatches, RuleOptimizer, sgd, withRulePrecision } from './index.js';
import type { ApoOptions, CapturedLayers, Objective, Outputs, SupervisedBatch, UpdateRule } from './index.js';
import { basePass } from './base-pass.js';
import { layeredPass } from './layered-pass.js';
import { kindsOf } from '../test/layer-uses.js';
import { leaked, values } from '../test/numeric.js';
import { twoLayers } from '../test/two-layers.js';

const all = (): boolean => true;

describe('layeredPass', () => {
  it('is basePass to the bit, with X̄ and Δ of every layer', () => {
    const { objective, batch, names, dispose } = twoLayers();
    tf.tidy(() => {
      const seeded = [{ batch, seed: 3 }];
      const [kept, seen]: [Outputs[], Outputs[]] = [[], []];
      const { loss, gradients, layers } = layeredPass(
        objective,
        seeded,
        { keepOutputs: kept, onOutputs: (outputs) => seen.push(tf.clone(outputs as tf.Tensor)) },
        all,
      );
      const base = basePass(objective, seeded);
      expect(values(loss)).toEqual(values(base.loss));
      for (const name of names) expect(values(gradients[name]!)).toEqual(values(base.gradients[name]!));
      expect(layers!.gradients).toBe(gradients);
      for (const name of names) expect(kindsOf(layers!, name)).toEqual(['dense']);
      const outputs = values(objective.predict(batch, true) as tf.Tensor);
      expect(values(kept[0] as tf.Tensor)).toEqual(outputs);
      expect(seen).toHaveLength(1);
      tf.dispose(kept.flat());
    });
    dispose();
  });

  it('records nothing when it is not wanted, and nothing of several micro-batches', () => {
    const { objective, batch, dispose } = twoLayers();
    tf.tidy(() => {
      const one = { batch, seed: 3 };
      expect(layeredPass(objective, [one], {}, undefined).layers).toBeUndefined();
      expect(layeredPass(objective, [one, one], {}, all).layers).toBeUndefined();
    });
    dispose();
  });

  it('records the layers that are wanted, by kernel and rows, and lists the others as unknown', () => {
    const { objective, batch, names, dispose } = twoLayers();
    tf.tidy(() => {
      const asked: [string, number][] = [];
      const { layers } = layeredPass(objective, [{ batch, seed: 3 }], {}, (kernel, rows) => {
        asked.push([kernel, rows]);
        return kernel === names[0];
      });
      expect(new Set(asked.map(([kernel, rows]) => `${kernel} ${rows}`))).toEqual(
        new Set([`${names[0]} 4`, `${names[2]} 4`]),
      );
      expect(names.map((name) => kindsOf(layers!, name))).toEqual([['dense'], ['dense'], ['other']]);
    });
    dispose();
  });

  it('a variable in the regulariser or in the loss has another use than its layer', () => {
    const regularized = twoLayers((variables) => ({ regularizer: l2(variables.slice(0, 1), 0.1) }));
    const inLoss = twoLayers((variables) => ({
      loss: (outputs) => tf.add(tf.mean(tf.square(outputs as tf.Tensor)), tf.sum(tf.abs(variables[2]!))),
    }));
    const kinds = [regularized, inLoss].map(({ objective, batch, names }) =>
      tf.tidy(() => {
        const { layers } = layeredPass(objective, [{ batch, seed: 3 }], {}, all);
        return names.map((name) => kindsOf(layers!, name));
      }),
    );
    expect(kinds).toEqual([
      [['dense', 'other'], ['dense'], ['dense']],
      [['dense'], ['dense'], ['dense', 'other']],
    ]);
    regularized.dispose();
    inLoss.dispose();
  });
});

/** Gradient descent that takes G of the last kernel from its layer, and counts how often. */
function layered(rate = 0.1): { rule: UpdateRule; given: CapturedLayers[] } {
  const given: CapturedLayers[] = [];
  const plain = sgd({ learningRate: rate });
  const rule: UpdateRule = {
    ...plain,
    wantsLayers: () => all,
    withLayers(layers) {
      given.push(layers);
      return {
        ...plain,
        update: () => undefined,
        direction(input) {
          const { direction, state } = plain.direction(input);
          const own = layers.uses.map((use) => {
            if (use.kind !== 'dense') throw new Error(`unexpected use: ${use.kind}`);
            return [use.kernel, tf.matMul(use.inputs, use.outputGradients, true)];
          });
          return { state, direction: { ...direction, ...(Object.fromEntries(own) as typeof direction) } };
        },
      };
    },
  };
  return { rule, given };
}

describe('a rule that works with layers', () => {
  const options: ApoOptions = { lambdaFsd: 0.1, interval: 2, denseSteps: 0, calibrate: false, seed: 1 };

  it('takes the same path as without them, in Apo and at a fixed rate', () => {
    for (const make of [
      (objective: Objective<SupervisedBatch>, rule: UpdateRule) => new Apo(objective, rule, options),
      (objective: Objective<SupervisedBatch>, rule: UpdateRule) => new RuleOptimizer(objective, rule),
    ]) {
      const { rule, given } = layered();
      const paths = [sgd({ learningRate: 0.1 }), rule].map((own) => {
        const { objective, variables, batches, dispose } = twoLayers();
        const optimizer = make(objective, own);
        for (let step = 0; step < 4; step++) optimizer.step(batches[step % 2]!);
        const end = variables.flatMap(values);
        optimizer.dispose();
        dispose();
        return end;
      });
      expect(given).toHaveLength(4);
      paths[0]!.forEach((value, i) => expect(paths[1]![i]).toBeCloseTo(value, 5));
    }
  });

  it('is given no layers of a clipped gradient, of micro-batches, or in a warm-up between meta-steps', () => {
    const { objective, batch, batches, dispose } = twoLayers();
    const { rule, given } = layered();
    const clipped = new Apo(objective, rule, { ...options, clip: clipByGlobalNorm(1) });
    const fixed = new RuleOptimizer(objective, rule, { clip: clipByGlobalNorm(1) });
    const several = new Apo(objective, rule, options);
    const warming = new Apo(objective, rule, {
      ...options,
      warmup: { rule: sgd({ learningRate: 0.01 }), steps: 4 },
    });
    clipped.step(batch);
    fixed.step(batch);
    several.step(microBatches(batches));
    expect(given).toHaveLength(0);
    for (let step = 0; step < 4; step++) warming.step(batch);
    expect(given).toHaveLength(2);
    warming.step(batch);
    expect(given).toHaveLength(3);
    for (const optimizer of [clipped, fixed, several, warming]) optimizer.dispose();
    dispose();
  });

  it('is not asked for layers when its gradients are rounded to 16 bits', () => {
    const rounded = withRulePrecision(layered().rule, 'bf16');
    expect(rounded.wantsLayers).toBeUndefined();
    expect(rounded.withLayers).toBeUndefined();
  });

  it('leaves no tensor behind, and gives the same bits again', async () => {
    const runs: number[][] = [];
    const lost = await leaked(() => {
      for (let run = 0; run < 2; run++) {
        const { objective, variables, batches, dispose } = twoLayers();
        const apo = new Apo(objective, layered().rule, options);
        for (let step = 0; step < 3; step++) apo.step(batches[step % 2]!);
        runs.push(variables.flatMap(values));
        apo.dispose();
        dispose();
      }
    });
    expect(lost).toBe(0);
    expect(runs[0]).toEqual(runs[1]);
  });
});

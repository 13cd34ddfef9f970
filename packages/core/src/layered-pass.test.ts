import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  Apo,
  clipByGlobalNorm,
  createObjective,
  l2,
  microBatches,
  RuleOptimizer,
  sgd,
  withRulePrecision,
} from './index.js';
import type { ApoOptions, CapturedLayers, Objective, Outputs, SupervisedBatch, UpdateRule } from './index.js';
import { basePass } from './base-pass.js';
import { layeredPass } from './layered-pass.js';
import { leaked, testVariable, uniformTensor, values } from '../test/numeric.js';

const all = (): boolean => true;

type Extra = Partial<Pick<Objective<SupervisedBatch>, 'regularizer' | 'loss'>>;

/** y = tanh(x W₁ + b) W₂ on four rows. */
function setting(extra: (variables: tf.Variable[]) => Extra = () => ({})) {
  const variables = [
    testVariable(uniformTensor([3, 5], 1), 'first/kernel'),
    testVariable(uniformTensor([5], 2), 'first/bias'),
    testVariable(uniformTensor([5, 2], 3), 'second/kernel'),
  ];
  const [w1, b1, w2] = variables as unknown as [tf.Tensor2D, tf.Tensor1D, tf.Tensor2D];
  const objective: Objective<SupervisedBatch> = {
    ...createObjective({
      variables,
      predict: ({ inputs }) => tf.matMul(tf.tanh(tf.add(tf.matMul(inputs as tf.Tensor2D, w1), b1)), w2),
      loss: 'squared-error',
    }),
    ...extra(variables),
  };
  const batches = [4, 6].map((seed) => ({
    inputs: uniformTensor([4, 3], seed),
    targets: uniformTensor([4, 2], seed + 1),
  }));
  const names = variables.map(({ name }) => name) as [string, string, string];
  return {
    objective,
    variables,
    names,
    batch: batches[0]!,
    batches,
    dispose: () => tf.dispose([variables, batches.flatMap((batch) => Object.values(batch))]),
  };
}

/** Which kinds of uses each variable has. */
function kindsOf({ uses }: CapturedLayers, name: string): string[] {
  return uses.flatMap((use) =>
    ('kernel' in use ? use.kernel === name || use.bias === name : use.variable === name) ? [use.kind] : [],
  );
}

describe('layeredPass', () => {
  it('is basePass to the bit, with X̄ and Δ of every layer', () => {
    const { objective, batch, names, dispose } = setting();
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
    const { objective, batch, dispose } = setting();
    tf.tidy(() => {
      const one = { batch, seed: 3 };
      expect(layeredPass(objective, [one], {}, undefined).layers).toBeUndefined();
      expect(layeredPass(objective, [one, one], {}, all).layers).toBeUndefined();
    });
    dispose();
  });

  it('records the layers that are wanted, by kernel and rows, and lists the others as unknown', () => {
    const { objective, batch, names, dispose } = setting();
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
    const regularized = setting((variables) => ({ regularizer: l2(variables.slice(0, 1), 0.1) }));
    const inLoss = setting((variables) => ({
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

/** What the gradient of an op is that has one of its own, nobody can tell from its kernels: they are no layers. */
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
    const { objective, batch, variables, names, dispose } = setting();
    const [w1, b1, w2] = variables as unknown as [tf.Tensor2D, tf.Tensor1D, tf.Tensor2D];
    const changed: Objective<SupervisedBatch> = {
      ...objective,
      predict: ({ inputs }) => plain(tf.tanh(tf.add(op(inputs, w1), b1)), w2),
    };
    tf.tidy(() => {
      const { layers, gradients } = layeredPass(changed, [{ batch, seed: 3 }], {}, all);
      expect(kindsOf(layers!, names[0])).toContain('other');
      expect(kindsOf(layers!, names[2])).toEqual(['dense']);
      // Its gradient is `factor` times that of x W.
      const expected = values(basePass(objective, [{ batch, seed: 3 }]).gradients[names[0]]!);
      values(gradients[names[0]]!).forEach((value, i) => {
        expect(value).toBeCloseTo(factor * expected[i]!, 5);
      });
    });
    dispose();
  });

  it('a gradient that is a part of the objective uses the kernel, too', () => {
    const penalized = setting(([w1]) => ({
      // ∂/∂x Σ tanh(x W) = (1 − tanh²) Wᵀ, with a copy of W that the engine saved.
      loss(outputs, { inputs }) {
        const slope = tf.grad((x: tf.Tensor) => tf.tanh(plain(x, w1 as unknown as tf.Tensor)))(inputs);
        return tf.add(tf.mean(tf.square(outputs as tf.Tensor)), tf.mean(tf.square(slope)));
      },
    }));
    const { objective, batch, names, dispose } = penalized;
    tf.tidy(() => {
      const { layers, gradients } = layeredPass(objective, [{ batch, seed: 3 }], {}, all);
      expect(kindsOf(layers!, names[0])).toEqual(['dense', 'dense', 'dense']);
      const parts = layers!.uses.flatMap((use) =>
        use.kind === 'dense' && use.kernel === names[0]
          ? [use.transposed ? [use.outputGradients, use.inputs] : [use.inputs, use.outputGradients]]
          : [],
      ) as [tf.Tensor2D, tf.Tensor2D][];
      const sum = values(tf.addN(parts.map(([x, delta]) => tf.matMul(x, delta, true))));
      values(gradients[names[0]]!).forEach((value, i) => {
        expect(sum[i]).toBeCloseTo(value, 5);
      });
    });
    dispose();
  });

  it('kernels that a kernel calls are its own affair', () => {
    const { objective, batch, variables, names, dispose } = setting();
    const [bias] = [variables[1]!];
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
      const { layers } = layeredPass(changed, [{ batch, seed: 3 }], {}, all);
      expect(layers!.uses).toEqual([{ kind: 'other', variable: names[1], kernelName: 'AddByAdd' }]);
    });
    tf.unregisterKernel('AddByAdd', tf.getBackend());
    tf.unregisterGradient('AddByAdd');
    dispose();
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
        const { objective, variables, batches, dispose } = setting();
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
    const { objective, batch, batches, dispose } = setting();
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
        const { objective, variables, batches, dispose } = setting();
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

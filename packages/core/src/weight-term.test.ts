import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import './index.js';
import { leaked, testVariable, values } from '../test/numeric.js';
import { weightPull, weightTerm } from './weight-term.js';

/** θ = (1, 2 | 3), θ′ = (1.5, 0 | 4): θ′ − θ = (.5, −2 | 1), and its squares sum to 5.25. */
function setting(lambdaWsd: number) {
  const variables = [testVariable(tf.tensor1d([1, 2]), 'x'), testVariable(tf.scalar(3), 'y')];
  const [x, y] = variables.map(({ name }) => name) as [string, string];
  return {
    problem: { objective: { variables }, weights: { lambdaWsd } },
    names: [x, y],
    lookahead: { [y]: tf.scalar(4), [x]: tf.tensor1d([1.5, 0]) },
    gradients: { [x]: tf.tensor1d([10, 20]), [y]: tf.scalar(30) },
    dispose: () => tf.dispose(variables),
  };
}

const KERNEL = 'ApoWeightPull';
const kernelNow = (): tf.KernelConfig | undefined => tf.getKernel(KERNEL, tf.getBackend());
/** The engine's own. */
let own: tf.KernelConfig | undefined;
beforeEach(() => {
  own = kernelNow();
});
afterEach(() => {
  if (kernelNow() !== own) tf.unregisterKernel(KERNEL, tf.getBackend());
  if (own && kernelNow() === undefined) tf.registerKernel(own);
});

describe('½ λ_WSD ‖θ′ − θ‖²', () => {
  it('and its derivative have the values that were worked out by hand', () => {
    tf.tidy(() => {
      const { problem, lookahead, gradients, names, dispose } = setting(0.5);
      // ½ · .5 · 5.25 = 1.3125; v + .5 (θ′ − θ) = (10.25, 19 | 30.5).
      const { cotangent, wsd } = weightPull(problem, lookahead, gradients);
      expect(values(wsd)).toEqual([1.3125]);
      expect(values(weightTerm(problem, lookahead))).toEqual([1.3125]);
      expect(names.map((name) => values(cotangent[name]!))).toEqual([[10.25, 19], [30.5]]);
      dispose();
    });
  });

  it('costs nothing at λ_WSD = 0: the gradients themselves are the cotangent', () => {
    tf.tidy(() => {
      const { problem, lookahead, gradients, dispose } = setting(0);
      const { cotangent, wsd } = weightPull(problem, lookahead, gradients);
      expect(cotangent).toBe(gradients);
      expect([...values(wsd), ...values(weightTerm(problem, lookahead))]).toEqual([0, 0]);
      dispose();
    });
  });

  it('is taken from the kernel of an engine that has one', () => {
    tf.tidy(() => {
      const { problem, lookahead, gradients, names, dispose } = setting(0.5);
      const seen: Record<string, unknown>[] = [];
      if (own) tf.unregisterKernel(KERNEL, tf.getBackend());
      tf.registerKernel({
        kernelName: KERNEL,
        backendName: tf.getBackend(),
        kernelFunc: (params) => {
          const { inputs, attrs } = params as unknown as { inputs: tf.NamedTensorMap; attrs: object };
          seen.push({
            ...attrs,
            ...Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, values(tensor)])),
          });
          const pulled = 'cotangent0' in inputs ? [tf.tensor1d([1, 2]), tf.scalar(3)] : [];
          return [...pulled, tf.scalar(8)];
        },
      });
      const { cotangent, wsd } = weightPull(problem, lookahead, gradients);
      // ½ · .5 · 8
      expect([...values(wsd), ...values(weightTerm(problem, lookahead))]).toEqual([2, 2]);
      expect(names.map((name) => values(cotangent[name]!))).toEqual([[1, 2], [3]]);
      const both = {
        lambda: 0.5,
        count: 2,
        variable0: [1, 2],
        variable1: [3],
        lookahead0: [1.5, 0],
        lookahead1: [4],
      };
      expect(seen).toEqual([{ ...both, cotangent0: [10, 20], cotangent1: [30] }, both]);
      dispose();
    });
  });

  it('leaves nothing behind', async () => {
    expect(
      await leaked(() =>
        tf.tidy(() => {
          const { problem, lookahead, gradients, dispose } = setting(0.5);
          weightPull(problem, lookahead, gradients);
          weightTerm(problem, lookahead);
          dispose();
        }),
      ),
    ).toBe(0);
  });
});

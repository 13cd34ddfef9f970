import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { createObjective } from '@apo/core';
import { ParameterSpace } from '../curvature/parameter-space.js';
import { smallNetwork } from '../verify/small-network.js';
import { hessianFree } from './classical-methods.js';

describe('Hessian-free', () => {
  it('lowers the loss at every step and lets λ fall while its model foretells the loss', () => {
    const network = smallNetwork({ sizes: [3, 6, 2], loss: 'softmax-cross-entropy', examples: 20 });
    const optimizer = hessianFree(network.objective);
    const losses = Array.from({ length: 15 }, () => {
      const loss = optimizer.step(network.batch, undefined, { returnLoss: true })!;
      const value = loss.dataSync()[0]!;
      loss.dispose();
      return value;
    });
    losses.slice(1).forEach((loss, i) => expect(loss).toBeLessThan(losses[i]!));
    // From log 2 or so; gradient descent at .5 needs hundreds of steps for as much.
    expect(losses.at(-1)!).toBeLessThan(0.35 * losses[0]!);
    expect(optimizer.lambdaWsd).toBeLessThan(1);
    expect(optimizer.lastSolve).toMatchObject({ newtonIterations: 1 });
    optimizer.dispose();
    network.dispose();
  });

  it('takes no step where no length lowers the loss, and raises λ', () => {
    // |x| at its minimum, with a gradient of 2 that is made up: every move along it raises the loss. δ = −2, M(δ) − M(0) = −2.
    const x = tf.variable(tf.scalar(0));
    const astray = tf.customGrad((value) => {
      const tensor = value as tf.Tensor;
      return { value: tf.abs(tensor), gradFunc: (dy: tf.Tensor) => tf.mul(dy, 2) };
    });
    const objective = createObjective<null>({
      variables: [x],
      predict: () => tf.reshape(astray(x), [1]),
      loss: (y) => tf.sum(y as tf.Tensor),
    });
    const optimizer = hessianFree(objective, { damping: 1, jacobianVector: 'difference' });
    optimizer.step(null);
    expect(x.dataSync()[0]).toBe(0);
    expect(optimizer.lambdaWsd).toBe(1.5);
    expect(optimizer.lastSolve!.reductionRatio!).toBeLessThan(0);
    expect(optimizer.lastSolve!.lambdaWsd).toBe(1);
    optimizer.dispose();
    x.dispose();
  });

  it('continues bit for bit from a checkpoint', () => {
    const run = (restoreAt?: number): Float64Array => {
      const network = smallNetwork({ sizes: [3, 4, 2], loss: 'softmax-cross-entropy', examples: 10 });
      let optimizer = hessianFree(network.objective);
      for (let i = 0; i < 5; i++) {
        if (i === restoreAt) {
          const state = optimizer.state();
          const fresh = hessianFree(network.objective);
          fresh.restore({
            tensors: state.tensors,
            values: JSON.parse(JSON.stringify(state.values)) as typeof state.values,
          });
          optimizer.dispose();
          optimizer = fresh;
        }
        optimizer.step(network.batch, network.other);
      }
      const result = new ParameterSpace(network.variables).current();
      expect(optimizer.steps).toBe(5);
      optimizer.dispose();
      network.dispose();
      return result;
    };
    expect(run(3)).toEqual(run());
  });
});

import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { predictions, proximalTerms } from '@apo/core';
import { ParameterSpace } from '../curvature/parameter-space.js';
import { addScaled } from '../curvature/vector.js';
import { seededVector } from '../testing/evidence.js';
import { smallNetwork } from '../verify/small-network.js';
import { proximalPoint } from './classical-methods.js';
import { proximalObjective } from './proximal-objective.js';

describe('the objective that is minimised', () => {
  it("with exact terms is core's Q, value and gradient", () => {
    const network = smallNetwork({ sizes: [2, 3, 2], loss: 'softmax-cross-entropy' });
    tf.tidy(() => {
      const { objective, variables, batch, other } = network;
      const space = new ParameterSpace(variables);
      const lossBatches = [{ batch, seed: 1 }];
      const fsdBatches = [{ batch: other, seed: 2 }];
      const theta = space.current();
      const { total } = proximalObjective(
        { objective, theta, loss: 0, gradient: new Float64Array(space.size), lossBatches, fsdBatches },
        { loss: 'exact', fsd: 'exact', lambdaFsd: 0.7, lossHessian: undefined, divergenceHessian: undefined },
        0.4,
        'exact',
      );
      const delta = seededVector(space.size, 4);
      const problem = {
        objective,
        weights: { lambdaFsd: 0.7, lambdaWsd: 0.4 },
        lossBatches,
        fsdBatches,
        previous: predictions(objective, fsdBatches),
      };
      const qAt = (d: Float64Array): number =>
        proximalTerms(problem, space.write(addScaled(theta, 1, d))).q.dataSync()[0]!;
      expect(total.value(delta)).toBeCloseTo(qAt(delta), 4);
      const direction = seededVector(space.size, 5);
      const h = 1e-2;
      const slope = (qAt(addScaled(delta, h, direction)) - qAt(addScaled(delta, -h, direction))) / (2 * h);
      const gradient = total.gradient(delta);
      const product = gradient.reduce((sum, value, i) => sum + value * direction[i]!, 0);
      expect(Math.abs(product / slope - 1)).toBeLessThan(5e-3);
    });
    network.dispose();
  });

  it('is at its minimum after a proximal-point step: Q rises along every coordinate', () => {
    const network = smallNetwork({ sizes: [2, 3, 2], loss: 'sigmoid-cross-entropy' });
    const { objective, variables, batch, other } = network;
    tf.tidy(() => {
      const space = new ParameterSpace(variables);
      const theta = space.current();
      const optimizer = proximalPoint(objective, { lambdaFsd: 0.5, lambdaWsd: 0.1 });
      const fsdBatches = [{ batch: other, seed: 0 }];
      const problem = {
        objective,
        weights: { lambdaFsd: 0.5, lambdaWsd: 0.1 },
        lossBatches: [{ batch, seed: 0 }],
        fsdBatches,
        previous: predictions(objective, fsdBatches),
      };
      optimizer.step(batch, other);
      expect(optimizer.lastSolve?.stop).toBe('converged');
      const minimum = space.current();
      const back = space.write(theta);
      for (const variable of variables) variable.assign(back[variable.name]!);
      const qAt = (point: Float64Array): number =>
        proximalTerms(problem, space.write(point)).q.dataSync()[0]!;
      const best = qAt(minimum);
      expect(best).toBeLessThan(qAt(theta));
      minimum.forEach((_, i) => {
        for (const shift of [-0.05, 0.05]) {
          const moved = minimum.slice();
          moved[i]! += shift;
          expect(qAt(moved)).toBeGreaterThan(best);
        }
      });
    });
    network.dispose();
  });
});

import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import './index.js';
import { Apo } from './apo.js';
import { basePass } from './base-pass.js';
import { LOG_LEARNING_RATE } from './learning-rate.js';
import { predictions, proximalGradient, proximalTerms } from './proximal.js';
import type { ProximalProblem } from './proximal.js';
import { sgd } from './rules/sgd.js';
import { leaked, linearRegression, values } from '../test/numeric.js';
import type { RegressionBatch } from '../test/numeric.js';
import { contract } from './vjp.js';

// X = [[1,0],[1,2]], t = [1,−1], θ = [.5,.25]: r = Xθ − t = [−.5, 2], g = Xᵀr/2 = [.75, 2].
// B′ = [[2,1],[0,1],[1,1]], λ_FSD = .3, λ_WSD = .1; H = XᵀX/2 = [[1,1],[1,2]], G = B′ᵀB′/3 = [[5/3,1],[1,1]].
const weights = { lambdaFsd: 0.3, lambdaWsd: 0.1 };

function goldenCase(): {
  objective: ReturnType<typeof linearRegression>['objective'];
  theta: tf.Variable;
  batch: RegressionBatch;
  other: RegressionBatch;
} {
  const { theta, objective } = linearRegression([0.5, 0.25]);
  const batch = {
    x: tf.tensor2d([
      [1, 0],
      [1, 2],
    ]),
    t: tf.tensor1d([1, -1]),
  };
  const other = {
    x: tf.tensor2d([
      [2, 1],
      [0, 1],
      [1, 1],
    ]),
    t: tf.tensor1d([0, 0, 0]),
  };
  return { objective, theta, batch, other };
}

function problemOf({
  objective,
  batch,
  other,
}: ReturnType<typeof goldenCase>): ProximalProblem<RegressionBatch> {
  const fsdBatches = [{ batch: other, seed: 2 }];
  return {
    objective,
    weights,
    lossBatches: [{ batch, seed: 1 }],
    fsdBatches,
    previous: predictions(objective, fsdBatches),
  };
}

describe('Q(φ) of the golden case', () => {
  it('has the value and the derivative that were worked out by hand', () => {
    tf.tidy(() => {
      const golden = goldenCase();
      const { theta } = golden;
      const rule = sgd();
      const g = { [theta.name]: tf.tensor1d([0.75, 2]) };
      const phi = { [LOG_LEARNING_RATE]: tf.tensor1d([Math.log(0.1)]) };
      const variables = { [theta.name]: theta };
      const problem = problemOf(golden);
      const { gradients } = basePass(golden.objective, problem.lossBatches);
      values(gradients[theta.name]!).forEach((value, i) => expect(value).toBeCloseTo([0.75, 2][i]!, 6));
      const lookahead = rule.apply(variables, phi, g);
      const { terms, cotangent } = proximalGradient(problem, lookahead);
      expect(values(terms.q)[0]).toBeCloseTo(0.67825, 5);
      // ½ · .1 · .01 · (.75² + 2²) = .00228125
      expect(values(terms.wsd)[0]).toBeCloseTo(0.00228125, 6);
      const [slope] = values(contract(rule, { variables, phi, direction: g, cotangent })[LOG_LEARNING_RATE]!);
      // ∂Q/∂(log η) = η ∂Q/∂η = .1 · (−3.1225)
      expect(slope).toBeCloseTo(-0.31225, 4);
      expect(values(theta)).toEqual([0.5, 0.25]);
      const forward = proximalTerms(problem, lookahead);
      expect(values(forward.q)).toEqual(values(terms.q));
      theta.dispose();
    });
  });

  it('has its minimum at η* = gᵀg / gᵀ(H + λ_FSD G + λ_WSD I)g = .3168402778', () => {
    tf.tidy(() => {
      const golden = goldenCase();
      const g = { [golden.theta.name]: tf.tensor1d([0.75, 2]) };
      const rule = sgd();
      const qAt = (eta: number): number => {
        const phi = { [LOG_LEARNING_RATE]: tf.tensor1d([Math.log(eta)]) };
        return values(
          proximalTerms(problemOf(golden), rule.apply({ [golden.theta.name]: golden.theta }, phi, g)).q,
        )[0]!;
      };
      const best = 0.3168402778;
      expect(qAt(best)).toBeLessThan(qAt(best * 1.05));
      expect(qAt(best)).toBeLessThan(qAt(best * 0.95));
      const phi = { [LOG_LEARNING_RATE]: tf.tensor1d([Math.log(best)]) };
      const variables = { [golden.theta.name]: golden.theta };
      const { cotangent } = proximalGradient(problemOf(golden), rule.apply(variables, phi, g));
      const [slope] = values(contract(rule, { variables, phi, direction: g, cotangent })[LOG_LEARNING_RATE]!);
      expect(slope).toBeCloseTo(0, 5);
      golden.theta.dispose();
    });
  });

  it('is what Apo drives the learning rate to when θ is held', async () => {
    // Each step starts at the same θ: the variable is put back, so that φ sees one fixed Q.
    const { objective, theta, batch, other } = goldenCase();
    const apo = new Apo(objective, sgd({ learningRate: 0.01 }), { interval: 1, ...weights });
    for (let i = 0; i < 200; i++) {
      apo.step(batch, other);
      const start = tf.tensor1d([0.5, 0.25]);
      theta.assign(start);
      start.dispose();
    }
    const { all } = await apo.learningRates();
    expect(all! / 0.3168402778).toBeGreaterThan(0.95);
    expect(all! / 0.3168402778).toBeLessThan(1.05);
    apo.dispose();
    tf.dispose([theta, batch.x, batch.t, other.x, other.t]);
  });

  it('shares the prediction when both terms see the same batch, with the same result', () => {
    tf.tidy(() => {
      const { objective, theta, batch } = goldenCase();
      const lossBatches = [{ batch, seed: 1 }];
      const separate = [{ batch, seed: 1 }];
      const previous = predictions(objective, lossBatches);
      const lookahead = { [theta.name]: tf.tensor1d([0.1, 0.7]) };
      const common = { objective, weights, lossBatches, previous };
      const shared = proximalGradient({ ...common, fsdBatches: lossBatches }, lookahead);
      const apart = proximalGradient({ ...common, fsdBatches: separate }, lookahead);
      expect(values(shared.terms.q)).toEqual(values(apart.terms.q));
      values(shared.cotangent[theta.name]!).forEach((v, i) =>
        expect(v).toBeCloseTo(values(apart.cotangent[theta.name]!)[i]!, 6),
      );
      theta.dispose();
    });
  });

  it('leaves no tensor behind', async () => {
    expect(
      await leaked(() => {
        tf.tidy(() => {
          const golden = goldenCase();
          proximalGradient(problemOf(golden), { [golden.theta.name]: tf.tensor1d([0, 0]) });
          proximalTerms(problemOf(golden), { [golden.theta.name]: tf.tensor1d([0, 0]) });
          golden.theta.dispose();
        });
      }),
    ).toBe(0);
  });
});

/** Finished runs, made up, for tests of what is written about them. */
import type { Metrics } from '../run/metrics.js';
import type { Summary } from '../run/summary.js';

export function summary(changes: Partial<Summary> = {}): Summary {
  return {
    task: 'digits',
    optimizer: 'sgd-apo',
    engine: 'wasm',
    seed: 3,
    steps: 40,
    trainLoss: 0.125,
    testAccuracy: 0.875,
    learningRate: 0.0625,
    stepsPerSecond: 20,
    metaSteps: 4,
    rejected: 1,
    failed: false,
    testLoss: 0.25,
    trainingSeconds: 2,
    finishedAt: '2026-01-02T03:04:05.000Z',
    options: { task: 'digits', seed: 3, lambdaFsd: 0.3, calibrate: true },
    ...changes,
  };
}

/** Forty steps; every tenth is a meta-step, the second of them rejected; two evaluations. */
export function metrics(learningRate = 0.1): Metrics[] {
  return Array.from({ length: 40 }, (_, i) => ({
    step: i + 1,
    loss: 2 / (i + 1),
    learningRate: learningRate * 1.01 ** i,
    ...(i % 10 === 0 && { q: 1, lookaheadLoss: 0.9, fsd: 0.1, wsd: 0, accepted: i !== 10 }),
    ...(i % 20 === 19 && { testLoss: 0.5, testAccuracy: 0.5 + i / 100 }),
  }));
}

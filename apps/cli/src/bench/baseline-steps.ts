/** Training steps of the optimizers of @apo/baselines on a network of the benchmark, as `apo run` sets them. */
import { createOptimizer } from '../optimizers/create.js';
import { baselineDefaults } from '../optimizers/baseline-settings.js';
import { usualRate } from '../optimizers/names.js';
import type { BaselineName } from '../optimizers/names.js';
import type { OptimizerSettings } from '../optimizers/settings.js';
import type { BenchModel } from './models.js';
import type { PreparedSteps } from './prepared-steps.js';
import type { BaselineSubject } from './subject.js';

/** Small enough to leave the networks finite on batches that mean nothing. */
const LEARNING_RATE = 1e-4;
/** So that a step of a solver is a known amount of work: conjugate-gradient iterations of one linear solve. */
export const SOLVER_ITERATIONS = 10;
/** Linear solves of a step of proximal-point, whose default of 100 takes minutes on the networks of the benchmark. */
export const NEWTON_ITERATIONS = 2;
/** Beyond any measurement, and a multiple of whatever the other interval is by default. */
const NEVER = 1_000_000_000;

/** Steps from one inversion to the next under the defaults; 1 for a method without inverses. */
export function inverseInterval(method: BaselineName): number {
  if (method === 'shampoo') return 10;
  return baselineDefaults(method, {}).inverseInterval ?? 1;
}

/** Whether it has matrices that are inverted every so often. */
export function hasInverses(method: BaselineName): boolean {
  return inverseInterval(method) > 1;
}

/** What bounds the work of a step here, in short (CG: conjugate-gradient iterations); `undefined` for a method that is not iterative. */
export function boundOf(method: BaselineName): string | undefined {
  if (!isSolver(method)) return undefined;
  const solve = `${SOLVER_ITERATIONS} CG`;
  return method === 'proximal-point' ? `≤ ${NEWTON_ITERATIONS} × ${solve}` : `≤ ${solve}`;
}

/** The methods that solve for their step; all but one of them have no learning rate. */
function isSolver(method: BaselineName): boolean {
  return usualRate(method) === undefined || method === 'natural-gradient';
}

function settingsOf({ method, inverses }: BaselineSubject): OptimizerSettings {
  const rated = usualRate(method) !== undefined;
  const interval = method === 'shampoo' ? { rootInterval: NEVER } : { inverseInterval: NEVER };
  return {
    optimizer: method,
    seed: 1,
    ...(rated && { learningRate: LEARNING_RATE }),
    ...(!inverses && hasInverses(method) && interval),
    ...(isSolver(method) && { innerIterations: SOLVER_ITERATIONS }),
    ...(method === 'proximal-point' && { newtonIterations: NEWTON_ITERATIONS }),
  };
}

/** Alternates between the model's two batches. Inverses are computed where the step needs them, on the calling thread, if not ahead. */
export function baselineSteps({ objective, batches }: BenchModel, subject: BaselineSubject): PreparedSteps {
  const optimizer = createOptimizer(objective, settingsOf(subject));
  let i = 0;
  return {
    step: () => optimizer.step(batches[i++ % 2]!, undefined, { returnLoss: true }),
    readAhead: async () => optimizer.prepare?.(batches[i % 2]!),
    dispose: () => optimizer.dispose(),
  };
}

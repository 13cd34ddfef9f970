/** The methods of Table 1 on the command line: choices of approximation for one proximal solver. */
import { gaussNewton, hessianFree, naturalGradient, newton, proximalPoint } from '@apo/baselines';
import type { DampedMethodOptions, ProximalOptimizer } from '@apo/baselines';
import type { Objective } from '@apo/core';
import { defined } from './defined.js';
import { usualRates } from './names.js';
import type { BaselineName } from './names.js';
import type { OptimizerSettings } from './settings.js';

export type SolverName = Extract<
  BaselineName,
  'hessian-free' | 'natural-gradient' | 'gauss-newton' | 'newton' | 'proximal-point'
>;

export function createSolver<B>(
  objective: Objective<B>,
  name: SolverName,
  settings: OptimizerSettings,
): ProximalOptimizer<B> {
  const { learningRate, damping, levenbergMarquardt, lineSearch, seed } = settings;
  const { innerIterations, newtonIterations, lambdaFsd, lambdaWsd } = settings;
  const common = {
    seed,
    ...defined({ lineSearch }),
    inner: defined({ maxIterations: innerIterations, maxNewtonIterations: newtonIterations }),
  };
  const damped: DampedMethodOptions = { ...common, ...defined({ damping, levenbergMarquardt }) };
  switch (name) {
    case 'hessian-free':
      return hessianFree(objective, damped);
    case 'natural-gradient':
      return naturalGradient(objective, {
        ...damped,
        learningRate: learningRate ?? usualRates['natural-gradient'],
      });
    case 'gauss-newton':
      return gaussNewton(objective, damped);
    case 'newton':
      return newton(objective, damped);
    case 'proximal-point':
      return proximalPoint(objective, { ...common, ...defined({ lambdaFsd, lambdaWsd }) });
    default:
      return name satisfies never;
  }
}

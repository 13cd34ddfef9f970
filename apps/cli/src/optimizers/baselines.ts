/** The optimizers of @apo/baselines by the names of the command line. */
import { ApoError } from '@apo/core';
import type { Objective, Optimizer } from '@apo/core';
import { createEkfac, createKfac, createShampoo } from './curvature.js';
import type { BaselineName } from './names.js';
import { createSolver } from './proximal.js';
import type { OptimizerSettings } from './settings.js';
import { createHypergradient, createProdigy } from './tuning-free.js';

/** `tell` hears the partition of KFAC and EKFAC, and when the worker threads of inverses cannot be had. @throws ApoError `INVALID_ARGUMENT` for an option out of range. */
export function createBaseline<B>(
  objective: Objective<B>,
  name: BaselineName,
  settings: OptimizerSettings,
  tell: (text: string) => void,
): Optimizer<B> {
  switch (name) {
    case 'kfac':
      return createKfac(objective, settings, tell);
    case 'ekfac':
      return createEkfac(objective, settings, tell);
    case 'shampoo':
      return createShampoo(objective, settings, tell);
    case 'hypergradient':
      return createHypergradient(objective, settings);
    case 'prodigy':
      return createProdigy(objective, settings);
    case 'hessian-free':
    case 'natural-gradient':
    case 'gauss-newton':
    case 'newton':
    case 'proximal-point':
      return createSolver(objective, name, settings);
    default:
      name satisfies never;
      throw new ApoError('INVALID_ARGUMENT', `Unknown optimizer "${String(name)}".`);
  }
}

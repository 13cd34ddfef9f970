/** The networks and rules that the page names, made of the public packages. */
import { adam, Apo, momentum, rmsprop, RuleOptimizer, sgd } from '@apo/core';
import type { Objective, Optimizer, SupervisedBatch, UpdateRule } from '@apo/core';
import { lenet, mlp } from '@apo/tasks';
import type { Model } from '@apo/tasks';
import { SIZES } from './settings.js';
import type { MnistSettings, ModelName, OptimizerName } from './settings.js';

/** The same seed gives the same weights; `name` keeps two networks apart. */
export function createModel(model: ModelName, seed: number, name: string): Model {
  return model === 'lenet' ? lenet({ seed, name }) : mlp({ sizes: SIZES[model], seed, name });
}

/** The base optimizer at this learning rate. */
export function createRule(optimizer: OptimizerName, learningRate: number): UpdateRule {
  switch (optimizer) {
    case 'sgd':
      return sgd({ learningRate });
    case 'momentum':
      return momentum({ learningRate });
    case 'rmsprop':
      return rmsprop({ learningRate });
    case 'adam':
      return adam({ learningRate });
  }
}

/** The rule at its initial rate for ever. */
export function fixedOptimizer(
  objective: Objective<SupervisedBatch>,
  { optimizer, rate, seed }: MnistSettings,
): Optimizer<SupervisedBatch> {
  return new RuleOptimizer(objective, createRule(optimizer, rate), { seed });
}

/** The rule with its rate adapted. */
export function tunedOptimizer(
  objective: Objective<SupervisedBatch>,
  { optimizer, rate, start, fsd, wsd, k, seed }: MnistSettings,
): Apo<SupervisedBatch> {
  return new Apo(objective, createRule(optimizer, rate), {
    lambdaFsd: fsd,
    lambdaWsd: wsd,
    interval: k,
    calibrate: start === 'estimated',
    seed,
  });
}

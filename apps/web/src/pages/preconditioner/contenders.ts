/** The three optimizers of the page, each on its own copy of the network. */
import { Apo, momentum, RuleOptimizer } from '@apo/core';
import type { Objective, Optimizer, SupervisedBatch } from '@apo/core';
import { Kfac } from '@apo/baselines';
import { precondition } from '@apo/precond';
import { mlp, reconstructionTask } from '@apo/tasks';
import type { Model, Rows, TaskInstance } from '@apo/tasks';
import type { ByRun, RunName } from './contract.js';
import { NETWORKS_BY_NAME } from './networks.js';
import type { RunSettings } from './settings.js';

/** ½ c ‖θ‖² in the objective, as in the tasks of @apo/tasks. */
export const WEIGHT_DECAY = 1e-5;
/** A loss of dozens of nats bears longer steps than the default of KFAC, which is meant for classifiers. */
export const KL_CLIP = 1e-2;

export interface Contender {
  readonly model: Model;
  readonly task: TaskInstance<SupervisedBatch>;
  readonly optimizer: Optimizer<SupervisedBatch>;
}

type Make = (objective: Objective<SupervisedBatch>, settings: RunSettings) => Optimizer<SupervisedBatch>;

const OPTIMIZERS: ByRun<Make> = {
  momentum: (objective, { momentumRate, seed }) =>
    new RuleOptimizer(objective, momentum({ learningRate: momentumRate }), { seed }),
  kfac: (objective, { kfacRate, seed }) =>
    new Kfac(objective, { learningRate: kfacRate, klClip: KL_CLIP, seed }),
  apo: (objective, settings) => {
    const { form, scale, adaptation, fsd, wsd, k, initialRate, seed } = settings;
    const rule = precondition({
      form,
      learnedScale: scale,
      adaptation: { learningRate: adaptation },
      seed,
      ...(initialRate > 0 && { initialScale: initialRate }),
    });
    return new Apo(objective, rule, {
      lambdaFsd: fsd,
      lambdaWsd: wsd,
      interval: k,
      seed,
      ...(initialRate > 0 && { calibrate: false }),
    });
  },
};

/** The names of the network's variables begin with `prefix` and a slash. */
export function createContender(
  name: RunName,
  prefix: string,
  settings: RunSettings,
  data: Readonly<Record<'train' | 'test', Rows>>,
): Contender {
  const { sizes, activations, initializer } = NETWORKS_BY_NAME[settings.network];
  const model = mlp({ sizes, activation: activations, initializer, seed: settings.seed, name: prefix });
  try {
    const task = reconstructionTask({ data, model, batchSize: settings.batch, weightDecay: WEIGHT_DECAY });
    return { model, task, optimizer: OPTIMIZERS[name](task.objective, settings) };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

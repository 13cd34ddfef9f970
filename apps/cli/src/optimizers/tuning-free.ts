/** Hypergradient descent and Prodigy of the command line. */
import { Hypergradient, Prodigy } from '@apo/baselines';
import { adam, momentum, sgd } from '@apo/core';
import type { Objective, UpdateRule } from '@apo/core';
import { defined } from './defined.js';
import { usualRates } from './names.js';
import type { OptimizerSettings } from './settings.js';

/** Whose direction the hypergradient is taken along; their own rate is not used. */
const bases: Readonly<Record<NonNullable<OptimizerSettings['hypergradientBase']>, () => UpdateRule>> = {
  sgd: () => sgd(),
  sgdm: () => momentum(),
  adam: () => adam(),
};

export function createHypergradient<B>(
  objective: Objective<B>,
  settings: OptimizerSettings,
): Hypergradient<B> {
  const { hypergradientRate, hypergradientUpdate, hypergradientBase = 'sgd', seed } = settings;
  return new Hypergradient(objective, {
    seed,
    learningRate: settings.learningRate ?? usualRates.hypergradient,
    base: bases[hypergradientBase](),
    ...defined({ hypergradientRate, update: hypergradientUpdate }),
  });
}

export function createProdigy<B>(objective: Objective<B>, settings: OptimizerSettings): Prodigy<B> {
  const { weightDecay, initialDistance, growthRate, seed } = settings;
  return new Prodigy(objective, {
    seed,
    learningRate: settings.learningRate ?? usualRates.prodigy,
    ...defined({ weightDecay, initialDistance, growthRate }),
  });
}

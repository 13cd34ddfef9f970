/** KFAC, EKFAC and Shampoo of the command line. */
import { Ekfac, formatPartition, Kfac, Shampoo } from '@apo/baselines';
import type { CurvatureOptions } from '@apo/baselines';
import type { Objective } from '@apo/core';
import { baselineDefaults } from './baseline-settings.js';
import { defined } from './defined.js';
import { usualRates } from './names.js';
import type { OptimizerSettings } from './settings.js';

export function createKfac<B>(
  objective: Objective<B>,
  settings: OptimizerSettings,
  tell: (text: string) => void,
): Kfac<B> {
  const { dampingForm } = settings;
  return new Kfac(objective, { ...curvatureOptions('kfac', settings, tell), ...defined({ dampingForm }) });
}

export function createEkfac<B>(
  objective: Objective<B>,
  settings: OptimizerSettings,
  tell: (text: string) => void,
): Ekfac<B> {
  return new Ekfac(objective, curvatureOptions('ekfac', settings, tell));
}

function curvatureOptions(
  method: 'kfac' | 'ekfac',
  settings: OptimizerSettings,
  tell: (text: string) => void,
): CurvatureOptions {
  const complete = { ...baselineDefaults(method, settings), ...defined(settings) };
  const { momentum, weightDecay, damping, levenbergMarquardt, klClip, fisher } = complete;
  const { factorInterval, inverseInterval, factorDecay, unsupportedLayers } = complete;
  return {
    seed: settings.seed,
    learningRate: settings.learningRate ?? usualRates[method],
    onPartition: (rows) => tell(formatPartition(rows)),
    onShortfall: tell,
    ...defined({ momentum, weightDecay, damping, fisher, factorInterval, inverseInterval }),
    ...defined({ decay: factorDecay, unsupported: unsupportedLayers }),
    ...(klClip !== undefined && { klClip: klClip === 0 ? false : klClip }),
    levenbergMarquardt: levenbergMarquardt === true ? {} : false,
  };
}

export function createShampoo<B>(
  objective: Objective<B>,
  settings: OptimizerSettings,
  tell: (text: string) => void,
): Shampoo<B> {
  const { momentum, weightDecay, beta2, epsilon, maxBlockSize, rootExponent, seed } = settings;
  const { grafting, rootMethod, rootInterval, statisticsInterval, startStep } = settings;
  return new Shampoo(objective, {
    seed,
    onShortfall: tell,
    learningRate: settings.learningRate ?? usualRates.shampoo,
    ...defined({ momentum, weightDecay, beta2, epsilon, maxBlockSize, rootExponent }),
    ...defined({ grafting, rootMethod, rootInterval, statisticsInterval, startStep }),
  });
}

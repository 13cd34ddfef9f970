/** The meta-objective of the command line, as options of `Apo`. */
import { adam, metaRmsprop, momentum } from '@apo/core';
import type { ApoOptions, ApoRule, Warmup } from '@apo/core';
import { defined } from './defined.js';
import { usualRates } from './names.js';
import type { MethodName } from './names.js';
import type { MetaSettings, WarmupName } from './settings.js';

/** A meta-learning rate keeps the other settings of the preset's RMSprop; a preconditioner takes its own. */
export function metaOptions(base: MethodName, { metaLearningRate, ...settings }: MetaSettings): ApoOptions {
  const { preset = 'auto', lambdaFsd, lambdaWsd, interval, denseSteps, scale } = settings;
  const { lookahead, calibrate, reject, backtrack, fsdBatch, lossBatch } = settings;
  const presetMeta = preset === 'auto' ? { decay: 0.9, biasCorrection: true } : {};
  const warmup = warmupOf(settings);
  return {
    preset,
    ...defined({ lambdaFsd, lambdaWsd, interval, denseSteps, lookahead, calibrate, reject, backtrack }),
    ...defined({ fsdBatch, lossBatch, scale, warmup }),
    ...(metaLearningRate !== undefined &&
      base !== 'precond' && {
        metaOptimizer: metaRmsprop({ learningRate: metaLearningRate, ...presetMeta }),
      }),
  };
}

/** `undefined` leaves it to the preset. */
function warmupOf({
  warmupSteps,
  warmupOptimizer,
  warmupLearningRate,
}: MetaSettings): Warmup | false | undefined {
  if (warmupSteps === 0) return false;
  if (warmupSteps === undefined && warmupOptimizer === undefined && warmupLearningRate === undefined)
    return undefined;
  return { rule: warmupRule(warmupOptimizer ?? 'sgdm', warmupLearningRate), steps: warmupSteps ?? 3000 };
}

function warmupRule(name: WarmupName, learningRate = usualRates[name]): ApoRule {
  return name === 'adam' ? adam({ learningRate }) : momentum({ learningRate });
}

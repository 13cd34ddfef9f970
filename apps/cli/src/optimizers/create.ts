/** Builds an optimizer of the command line on an objective. */
import {
  adam,
  adamw,
  Apo,
  ApoError,
  metaRmsprop,
  momentum,
  rmsprop,
  RuleOptimizer,
  sgd,
  withPrecision,
  withRulePrecision,
} from '@apo/core';
import type { ApoOptions, ApoRule, Objective, Optimizer, Warmup } from '@apo/core';
import { fullPreconditioner, precondition } from '@apo/precond';
import type { BlockRuleOptions } from '@apo/precond';
import { parseOptimizerName, usualRates } from './names.js';
import type { RuleName } from './names.js';
import { checkOptimizerSettings } from './settings.js';
import type { MetaSettings, OptimizerSettings, WarmupName } from './settings.js';

/** @throws ApoError `INVALID_ARGUMENT` or `UNSUPPORTED`. */
export function createOptimizer<B>(objective: Objective<B>, settings: OptimizerSettings): Optimizer<B> {
  checkOptimizerSettings(settings);
  const { base, adapted } = parseOptimizerName(settings.optimizer);
  const { seed, precision, masterCopies = false } = settings;
  const exact = createRule(base, settings);
  const rule = precision === undefined ? exact : withRulePrecision(exact, precision, { masterCopies });
  const rounded =
    precision === undefined
      ? objective
      : withPrecision(objective, precision, { masterWeights: masterCopies });
  return adapted
    ? new Apo(rounded, rule, { ...metaOptions(base, settings), seed })
    : new RuleOptimizer(rounded, rule, { seed });
}

function createRule(base: RuleName, settings: OptimizerSettings): ApoRule {
  const { momentum: mu, nesterov, weightDecay } = settings;
  const ofMomentum = mu === undefined ? {} : { momentum: mu };
  const ofDecay = weightDecay === undefined ? {} : { weightDecay };
  if (base === 'precond') return createPreconditioner({ ...ofMomentum, ...ofDecay }, settings);
  const learningRate = settings.learningRate ?? usualRates[base];
  switch (base) {
    case 'sgd':
      return sgd({ learningRate });
    case 'sgdm':
      return momentum({ learningRate, ...ofMomentum, ...(nesterov !== undefined && { nesterov }) });
    case 'rmsprop':
      return rmsprop({ learningRate, ...ofMomentum });
    case 'adam':
      return adam({ learningRate });
    case 'adamw':
      return adamw({ learningRate, ...ofDecay });
    default:
      base satisfies never;
      throw new ApoError('INVALID_ARGUMENT', `Unknown optimizer "${String(base)}".`);
  }
}

function createPreconditioner(common: BlockRuleOptions, settings: OptimizerSettings): ApoRule {
  const { form, rank, blockSize, maxBlockSize, learnedScale, learningRate, seed } = settings;
  const { metaLearningRate, metaBeta2, metaEpsilon } = settings;
  const adaptation = {
    ...(metaLearningRate !== undefined && { learningRate: metaLearningRate }),
    ...(metaBeta2 !== undefined && { beta2: metaBeta2 }),
    ...(metaEpsilon !== undefined && { epsilon: metaEpsilon }),
  };
  const options = {
    ...common,
    seed,
    adaptation,
    ...(learningRate !== undefined && { initialScale: learningRate }),
  };
  const scale = learnedScale === 'none' ? false : learnedScale;
  if (form === 'dense' || form === 'dense-raw') {
    return fullPreconditioner({
      ...options,
      factored: form === 'dense',
      ...(scale !== undefined && scale !== 'layer' && { learnedScale: scale }),
    });
  }
  return precondition({
    ...options,
    ...(form !== undefined && { form }),
    ...(rank !== undefined && { rank }),
    ...(blockSize !== undefined && { blockSize }),
    ...(maxBlockSize !== undefined && { maxBlockSize }),
    ...(scale !== undefined && { learnedScale: scale }),
  });
}

/** A meta-learning rate keeps the other settings of the preset's RMSprop; a preconditioner takes its own. */
function metaOptions(base: RuleName, { metaLearningRate, ...settings }: MetaSettings): ApoOptions {
  const { preset = 'auto', lambdaFsd, lambdaWsd, interval, denseSteps, scale } = settings;
  const { lookahead, calibrate, reject, backtrack, fsdBatch, lossBatch } = settings;
  const presetMeta = preset === 'auto' ? { decay: 0.9, biasCorrection: true } : {};
  const warmup = warmupOf(settings);
  return {
    preset,
    ...(lambdaFsd !== undefined && { lambdaFsd }),
    ...(lambdaWsd !== undefined && { lambdaWsd }),
    ...(interval !== undefined && { interval }),
    ...(denseSteps !== undefined && { denseSteps }),
    ...(lookahead !== undefined && { lookahead }),
    ...(calibrate !== undefined && { calibrate }),
    ...(reject !== undefined && { reject }),
    ...(backtrack !== undefined && { backtrack }),
    ...(fsdBatch !== undefined && { fsdBatch }),
    ...(lossBatch !== undefined && { lossBatch }),
    ...(scale !== undefined && { scale }),
    ...(warmup !== undefined && { warmup }),
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

/** Builds an optimizer of the command line on an objective. */
import { Apo, RuleOptimizer, withPrecision, withRulePrecision } from '@apo/core';
import type { Objective, Optimizer } from '@apo/core';
import { createBaseline } from './baselines.js';
import { metaOptions } from './meta-options.js';
import { isBaseline, parseOptimizerName } from './names.js';
import { createRule } from './rules.js';
import { checkOptimizerSettings } from './settings.js';
import type { OptimizerSettings } from './settings.js';

/**
 * @param tell Hears at the first step how the variables are preconditioned, where the optimizer can say it.
 * @throws ApoError `INVALID_ARGUMENT` or `UNSUPPORTED`.
 */
export function createOptimizer<B>(
  objective: Objective<B>,
  settings: OptimizerSettings,
  tell: (text: string) => void = () => undefined,
): Optimizer<B> {
  checkOptimizerSettings(settings);
  const { base, adapted } = parseOptimizerName(settings.optimizer);
  if (isBaseline(base)) return createBaseline(objective, base, settings, tell);
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

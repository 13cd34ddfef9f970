/** Who races: gradient descent at fixed rates, and what @apo/core and @apo/precond learn. */
import { Apo, metaAdam, RuleOptimizer, sgd } from '@apo/core';
import type { ApoOptions, Objective, Optimizer } from '@apo/core';
import { fullPreconditioner, precondition } from '@apo/precond';
import { ADAPTATION } from './entrants.js';
import type { RacerId } from './entrants.js';
import type { FixedRate } from './best-rate.js';
import type { RosenbrockSettings } from './settings.js';

/** The optimizer of a racer, on an objective of its own. K = 1 everywhere. */
export function racer(
  id: RacerId,
  objective: Objective<null>,
  settings: RosenbrockSettings,
  { rate: bestRate }: FixedRate,
): Optimizer<null> {
  const { preset, rate, initialRate, initialScale } = settings;
  const lambdaFsd = Number(settings.lambdaFsd);
  switch (id) {
    case 'best':
      return new RuleOptimizer(objective, sgd({ learningRate: bestRate }));
    case 'fixed':
      return new RuleOptimizer(objective, sgd({ learningRate: rate }));
    case 'sgdApo':
      return new Apo(objective, sgd({ learningRate: initialRate }), { preset, interval: 1, lambdaFsd });
    case 'diagonal':
    case 'full': {
      const common = {
        initialScale,
        adaptation: ADAPTATION[preset],
        ...(preset === 'paper' && { learnedScale: false as const }),
      };
      const rule = id === 'full' ? fullPreconditioner(common) : precondition({ ...common, form: 'diagonal' });
      return new Apo(objective, rule, preconditionerOptions(preset, lambdaFsd));
    }
    default:
      return id satisfies never;
  }
}

function preconditionerOptions(preset: RosenbrockSettings['preset'], lambdaFsd: number): ApoOptions {
  if (preset === 'auto') return { preset, lambdaFsd };
  return {
    preset,
    interval: 1,
    warmup: false,
    scale: 1,
    lambdaFsd,
    lambdaWsd: 0,
    metaOptimizer: metaAdam(ADAPTATION.paper),
  };
}

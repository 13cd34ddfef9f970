/** Update rules of @apo/core and @apo/precond by the names of the command line. */
import { adam, adamw, ApoError, momentum, rmsprop, sgd } from '@apo/core';
import type { ApoRule } from '@apo/core';
import { defined } from './defined.js';
import { usualRates } from './names.js';
import type { RuleName } from './names.js';
import { createPreconditioner } from './preconditioner.js';
import type { OptimizerSettings } from './settings.js';

export function createRule(base: RuleName, settings: OptimizerSettings): ApoRule {
  const { momentum: mu, nesterov, weightDecay } = settings;
  const ofMomentum = defined({ momentum: mu });
  const ofDecay = defined({ weightDecay });
  if (base === 'precond') return createPreconditioner({ ...ofMomentum, ...ofDecay }, settings);
  const learningRate = settings.learningRate ?? usualRates[base];
  switch (base) {
    case 'sgd':
      return sgd({ learningRate });
    case 'sgdm':
      return momentum({ learningRate, ...ofMomentum, ...defined({ nesterov }) });
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

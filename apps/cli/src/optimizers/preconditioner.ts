/** The learned preconditioner of the command line. */
import type { ApoRule } from '@apo/core';
import { fullPreconditioner, precondition } from '@apo/precond';
import type { BlockRuleOptions } from '@apo/precond';
import { defined } from './defined.js';
import type { OptimizerSettings } from './settings.js';

export function createPreconditioner(common: BlockRuleOptions, settings: OptimizerSettings): ApoRule {
  const { form, rank, blockSize, maxBlockSize, learnedScale, learningRate, seed } = settings;
  const { metaLearningRate, metaBeta2, metaEpsilon } = settings;
  const options = {
    ...common,
    seed,
    adaptation: defined({ learningRate: metaLearningRate, beta2: metaBeta2, epsilon: metaEpsilon }),
    ...defined({ initialScale: learningRate }),
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
    ...defined({ form, rank, blockSize, maxBlockSize, learnedScale: scale }),
  });
}

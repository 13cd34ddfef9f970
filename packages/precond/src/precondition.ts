/** The structured preconditioner as an update rule (Sec. 4.4): θ′ = θ − η P_S g with a Kronecker-factored block for each layer. */
import type { ApoRule } from '@apo/core';
import { blockRule } from './block-rule.js';
import type { BlockRuleOptions } from './block-rule.js';
import { registerCpuKernels } from './cpu/kernels.js';
import { checkPartitionOptions, partitionBlocks } from './partition.js';
import type { PartitionOptions } from './partition.js';
import { withPresets } from './presets.js';
import type { Adaptation } from './presets.js';
import type { LearnedScale } from './scale.js';

export interface PreconditionOptions extends PartitionOptions, BlockRuleOptions {
  /**
   * P = η P_S with log η in φ: `global`, one for the run, so that P needs no hand-chosen scale; `layer`, one for each block
   * within a factor of 30 of the global one; `false`, P₀ = I as in the paper. Default `global`; under the preset `paper`, `false`.
   */
  readonly learnedScale?: LearnedScale;
  /** Adam's settings for the entries of P; under `auto` its rate is 1e−3, under `paper` 1e−4. A `metaOptimizer` given to `Apo` replaces it. */
  readonly adaptation?: Adaptation;
}

/**
 * A learned preconditioner for `new Apo(objective, precondition())`. φ has `logLearningRate` and, for each block, `name.S`,
 * `name.A` and `name.B` (or `name.A.U`, `name.A.V`, … of low-rank factors). P is symmetric positive semi-definite whatever φ is.
 *
 * Under the preset `auto` it has rank 16, η found on the first batch and moved by RMSprop, the rest moved by Adam at 1e−3 in
 * every step, λ_FSD = min(step / 500, 10). Under `paper` it has the full form, P₀ = I, K = 10, Adam at 1e−4, scale 0.9,
 * λ_FSD = λ_WSD = 0.1 and 3,000 steps of momentum before P takes over; options that you name here or give to `Apo` come first.
 * @throws ApoError `INVALID_ARGUMENT` for an option out of range; `Apo` throws it for an override that matches no variable.
 */
export function precondition(options: PreconditionOptions = {}): ApoRule {
  checkPartitionOptions(options);
  // Here and not on import, so that whoever does not precondition does without them.
  registerCpuKernels();
  return withPresets(options, ({ form, learnedScale }) => {
    const chosen = { ...options, form: options.form ?? form };
    return blockRule(
      'precondition',
      (variables) => partitionBlocks(variables, chosen),
      learnedScale,
      options,
    );
  });
}

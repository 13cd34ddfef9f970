/** What a preconditioner is and wants under each preset of `Apo`. */
import { LOG_LEARNING_RATE, metaAdam, metaByEntry, metaRmsprop, momentum } from '@apo/core';
import type { AdamOptions, ApoRule, MetaOptimizer, PresetOptions, Schedule, UpdateRule } from '@apo/core';
import type { PreconditionerForm } from './partition.js';
import { SCALE_OFFSETS } from './scale.js';
import type { LearnedScale } from './scale.js';

/** What presets differ in, if the user has not said. */
export interface PresetForm {
  readonly form: PreconditionerForm;
  readonly learnedScale: LearnedScale;
}

/** How the entries of P move: Adam's rate, β₁, β₂ and ε. What is left out is the preset's. */
export type Adaptation = Pick<AdamOptions, 'learningRate' | 'beta1' | 'beta2' | 'epsilon'>;

/** Options that the presets read. */
export interface PresetChoices {
  readonly learnedScale?: LearnedScale;
  readonly adaptation?: Adaptation;
}

/** `build(form)` under both presets; `auto`'s form is the rule itself. */
export function withPresets(
  { learnedScale, adaptation = {} }: PresetChoices,
  build: (form: PresetForm) => UpdateRule,
): ApoRule {
  const auto: PresetForm = { form: 'low-rank', learnedScale: learnedScale ?? 'global' };
  const paper: PresetForm = { form: 'full', learnedScale: learnedScale ?? false };
  return {
    ...build(auto),
    presets: {
      auto: { options: autoOptions(auto.learnedScale, adaptation) },
      paper: { options: paperOptions(paper.learnedScale, adaptation), rule: build(paper) },
    },
  };
}

/**
 * λ_FSD = min(.03 + (step / 2000)², 10). Early on P has to grow, and a large weight would hold it back. Later on a small constant
 * weight lets each step fit the noise of its own batch, as strongly at the end as at the start; one that grows with the number of
 * batches seen averages it away, as recursive least squares does, where a batch weighs 1 / step of all there were. Without the bound,
 * long runs on data with little noise would slow down.
 */
const fsdWeight: Schedule = (step) => Math.min(0.03 + (step / 2000) ** 2, 10);

/** K = 1 because P has to move as fast as η early on. */
function autoOptions(scale: LearnedScale, adaptation: Adaptation): PresetOptions {
  return {
    interval: 1,
    denseSteps: 0,
    lambdaFsd: fsdWeight,
    lambdaWsd: 0,
    metaOptimizer: besideScale(scale, metaAdam({ learningRate: 1e-3, epsilon: 1e-16, ...adaptation })),
  };
}

/** Algorithm 1 with the paper's settings; the rate of the warm-up's momentum is a problem's own, so name your own `warmup`. */
function paperOptions(scale: LearnedScale, adaptation: Adaptation): PresetOptions {
  return {
    interval: 10,
    lambdaFsd: 0.1,
    lambdaWsd: 0.1,
    metaOptimizer: besideScale(scale, metaAdam({ learningRate: 1e-4, ...adaptation })),
    scale: 0.9,
    warmup: { rule: momentum(), steps: 3000 },
  };
}

/** `rest` for P, and RMSprop at 0.1 for log η where φ has it. */
function besideScale(scale: LearnedScale, rest: MetaOptimizer): MetaOptimizer {
  if (scale === false) return rest;
  const rates = metaRmsprop({ decay: 0.9, biasCorrection: true });
  return metaByEntry({
    [LOG_LEARNING_RATE]: rates,
    ...(scale === 'layer' && { [SCALE_OFFSETS]: rates }),
    rest,
  });
}

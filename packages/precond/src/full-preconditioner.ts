/** P as one dense matrix over all variables (Sec. 4.3), for problems of up to a few thousand parameters. */
import { requireArgument } from '@apo/core';
import type { ApoRule } from '@apo/core';
import { blockRule } from './block-rule.js';
import type { BlockRuleOptions } from './block-rule.js';
import { factoredBlock, rawBlock } from './blocks/full.js';
import { vectorLayout } from './matricize.js';
import type { NamedShape } from './matricize.js';
import type { PlacedBlock } from './partition.js';
import { withPresets } from './presets.js';
import type { Adaptation } from './presets.js';
import type { LearnedScale } from './scale.js';

export interface FullPreconditionerOptions extends BlockRuleOptions {
  /** P = C Cᵀ, positive semi-definite whatever C is; `false`: P itself is learned, and may lose that. Default true. */
  readonly factored?: boolean;
  /** As in `precondition`; with one block, `layer` is `global`. Default `global`; under the preset `paper`, `false`. */
  readonly learnedScale?: Exclude<LearnedScale, 'layer'>;
  /** Adam's settings for the entries of P; under `auto` its rate is 1e−3, under `paper` 1e−4. A `metaOptimizer` given to `Apo` replaces it. */
  readonly adaptation?: Adaptation;
}

/** 4,096 parameters make P 64 MiB, and Adam keeps two more of it. */
const MOST_PARAMETERS = 4096;

/**
 * θ′ = θ − η P g with P `[N, N]` over the N numbers of all variables. The entry of φ is `all.C` or `all.P`. For `new Apo(…)`, with
 * the same presets as `precondition`.
 * @throws ApoError `INVALID_ARGUMENT` for an option out of range; `Apo` throws it for more than 4,096 parameters.
 */
export function fullPreconditioner(options: FullPreconditionerOptions = {}): ApoRule {
  const { factored = true } = options;
  return withPresets(options, ({ learnedScale }) =>
    blockRule('full-preconditioner', (variables) => denseBlock(variables, factored), learnedScale, options),
  );
}

function denseBlock(variables: readonly NamedShape[], factored: boolean): PlacedBlock[] {
  const layout = vectorLayout(variables);
  const [size] = layout.shape;
  requireArgument(
    size <= MOST_PARAMETERS,
    () =>
      `fullPreconditioner was given ${size} parameters, and a matrix over them would have ${size * size} numbers; expected at most ${MOST_PARAMETERS}. Use precondition() instead.`,
  );
  return [{ name: 'all', layout, block: factored ? factoredBlock('all.C', size) : rawBlock('all.P', size) }];
}

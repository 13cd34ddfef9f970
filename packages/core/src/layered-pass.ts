/** The base pass of a step, which also records the layers where a rule can do with X̄ and Δ better than with the gradient alone. */
import { basePass, keptCopy } from './base-pass.js';
import type { BasePass, BasePassOptions, SeededBatch } from './base-pass.js';
import { captureLayers } from './layer-capture.js';
import type { LayerFilter } from './layer-use.js';
import type { Objective } from './objective.js';
import type { CapturedLayers } from './update-rule.js';

export interface LayeredPass extends BasePass {
  readonly layers?: CapturedLayers;
}

/**
 * `basePass`, to the bit, with the layers that are wanted when there is one batch alone: to keep X̄ and Δ of several
 * micro-batches would undo what they are for. Run inside `tf.tidy`, to which X̄ and Δ belong as well.
 */
export function layeredPass<B>(
  objective: Objective<B>,
  batches: readonly SeededBatch<B>[],
  options: BasePassOptions,
  wanted: LayerFilter | undefined,
): LayeredPass {
  const [batch, ...others] = batches;
  if (wanted === undefined || batch === undefined || others.length > 0)
    return basePass(objective, batches, options);
  const { loss, gradients, uses } = captureLayers(objective, batch, {
    wholeObjective: true,
    only: wanted,
    onOutputs(outputs) {
      options.keepOutputs?.push(keptCopy(outputs));
      options.onOutputs?.(outputs, 0);
    },
  });
  return { loss, gradients, layers: { gradients, uses } };
}

/** How an optimizer that was made because other variables are trainable now goes on from the state of the one before it. */
import { isApoError } from '../errors.js';
import type { Optimizer, OptimizerState } from '../optimizer.js';
import type { LayersBatch } from './layers-model.js';

/** `old` is read only. State that fits nowhere in `next` (KFAC's blocks are found at its first step) is left behind. */
export function takeOver(next: Optimizer<LayersBatch>, old: OptimizerState): void {
  try {
    next.restore(carriedOver(old, next.state()));
  } catch (error) {
    if (!isApoError(error) || error.code !== 'CHECKPOINT_MISMATCH') throw error;
  }
}

/**
 * The state of `fresh`, with everything that has a counterpart of the same name and shape in `old` taken from there. When the
 * learning-rate groups are others, φ starts anew and is calibrated again: an old rate would go to a wrong group.
 */
function carriedOver(old: OptimizerState, fresh: OptimizerState): OptimizerState {
  const sameGroups = JSON.stringify(old.values['groups']) === JSON.stringify(fresh.values['groups']);
  const tensors = Object.fromEntries(
    Object.entries(fresh.tensors).map(([name, tensor]) => {
      const found = old.tensors[name];
      const belongsToPhi = name.startsWith('rule/phi/') || name.startsWith('meta/');
      const fits = found && found.shape.join() === tensor.shape.join() && (sameGroups || !belongsToPhi);
      return [name, fits ? found : tensor];
    }),
  );
  if (sameGroups) return { tensors, values: { ...fresh.values, ...old.values } };
  const { groups, metaSteps, calibrated } = fresh.values;
  const anew = Object.fromEntries(
    Object.entries({ groups, metaSteps, calibrated }).filter(([, value]) => value !== undefined),
  ) as OptimizerState['values'];
  return { tensors, values: { ...fresh.values, ...old.values, ...anew } };
}

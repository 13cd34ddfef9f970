/** A meta-optimizer that stores φ in 16 bits: for showing what is lost, since steps below half a spacing leave φ where it is. */
import { LOG_LEARNING_RATE } from '../learning-rate.js';
import type { MetaOptimizer } from '../meta/meta-optimizer.js';
import { mapTensors } from '../tensor-map.js';
import { requirePrecision } from './format.js';
import type { Precision } from './format.js';
import { roundTo } from './round.js';

/**
 * The same meta-optimizer, φ rounded to `precision` after each meta-step but for the entries named in `float32` (the logarithm
 * of the learning rate by default). Its own state stays float32.
 * @throws ApoError `INVALID_ARGUMENT` for another precision.
 */
export function withMetaPrecision(
  metaOptimizer: MetaOptimizer,
  precision: Precision,
  { float32 = [LOG_LEARNING_RATE] }: { readonly float32?: readonly string[] } = {},
): MetaOptimizer {
  requirePrecision(precision);
  return {
    initialState: (phi) => metaOptimizer.initialState(phi),
    move(input, limits) {
      const { phi, state } = metaOptimizer.move(input, limits);
      return {
        state,
        phi: mapTensors(phi, (tensor, name) =>
          float32.includes(name) || tensor.dtype !== 'float32' ? tensor : roundTo(tensor, precision),
        ),
      };
    },
  };
}

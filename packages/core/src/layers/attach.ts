/** One line that gives an existing `model.fit` program a self-tuned learning rate: `attachApo(model, sgd())` after `compile`. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { Apo } from '../apo.js';
import type { ApoOptions } from '../apo-options.js';
import { attachOptimizer } from './attach-optimizer.js';
import type { Attachment } from './attach-optimizer.js';
import type { LayersBatch, LayersModelOptions } from './layers-model.js';
import type { UpdateRule } from '../update-rule.js';

/** All options of `Apo`, and `divergence` for ρ. With `fsdBatch: 'other'` (the default) B′ is the previous batch. */
export interface AttachOptions extends ApoOptions, LayersModelOptions {}

/**
 * Trains `model` with `rule` and Algorithm 1 from its next `fit`, `fitDataset` or `trainOnBatch` on, in place of the
 * optimizer it was compiled with. See `attachOptimizer` for what stays as it was.
 *
 * ```ts
 * model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
 * const apo = attachApo(model, sgd());
 * await model.fit(x, y, { epochs: 5, callbacks: apoLogger(apo) });
 * console.log(await apo.learningRates());
 * apo.dispose();
 * ```
 * @throws ApoError as `fromLayersModel`, `attachOptimizer` and `new Apo`; the model is unchanged then.
 */
export function attachApo(
  model: LayersModel,
  rule: UpdateRule,
  options: AttachOptions = {},
): Attachment<Apo<LayersBatch>> {
  const { divergence, ...apoOptions } = options;
  return attachOptimizer(model, (objective) => new Apo(objective, rule, apoOptions), {
    ...(divergence !== undefined && { divergence }),
    keepPreviousBatch:
      options.lossBatch === 'other' || (options.fsdBatch !== 'same' && options.lambdaFsd !== 0),
  });
}

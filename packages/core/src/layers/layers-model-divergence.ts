/**
 * Which ρ belongs to a loss of tfjs-layers. Left alone, ρ is the Bregman divergence of the compiled loss, reduced over the
 * axes as the loss is, so that its Hessian at equality is the loss's own output metric and λ_FSD means the same for every loss.
 */
import * as tf from '@tensorflow/tfjs-core';
import { divergence } from '../divergence.js';
import type { Divergence, DivergenceName } from '../divergence.js';
import { requireArgument } from '../errors.js';

/** One choice for every output, or one by output name. */
export type DivergenceChoice =
  DivergenceName | Divergence | Readonly<Record<string, DivergenceName | Divergence>>;

interface Match {
  readonly name: DivergenceName;
  /** The loss is a mean over the elements of an output, or over its positions (all axes but the first and the last). */
  readonly meanOver: 'elements' | 'positions';
  readonly factor: number;
}

/** mean Δ² = 2 · ½‖Δ‖² / elements: of the mean squared error, and for every loss without an entry of its own. */
const squaredError: Match = { name: 'squared-error', meanOver: 'elements', factor: 2 };
const softmaxKl: Match = { name: 'softmax-kl', meanOver: 'positions', factor: 1 };
const bernoulliKl: Match = { name: 'bernoulli-kl', meanOver: 'elements', factor: 1 };

/** By the name or the function given to `compile`. */
const matches = new Map<unknown, Match>([
  ['categoricalCrossentropy', softmaxKl],
  ['sparseCategoricalCrossentropy', softmaxKl],
  ['kullbackLeiblerDivergence', softmaxKl],
  [tf.losses.softmaxCrossEntropy, { ...softmaxKl, name: 'softmax-kl-logits' }],
  ['binaryCrossentropy', bernoulliKl],
  [tf.losses.logLoss, bernoulliKl],
  [tf.losses.sigmoidCrossEntropy, { ...bernoulliKl, name: 'bernoulli-kl-logits' }],
]);

/** ρ for the output called `outputName`, the `index`-th, when `loss` was given to `compile`. */
export function outputDivergence(
  loss: unknown,
  outputName: string,
  index: number,
  choice: DivergenceChoice | undefined,
): Divergence {
  const named = typeof choice === 'object' ? choice[outputName] : choice;
  if (typeof named === 'function') return named;
  if (named !== undefined) return divergence(named);
  const { name, meanOver, factor } = matches.get(lossOf(loss, outputName, index)) ?? squaredError;
  const rho = divergence(name);
  return (next, previous) =>
    tf.tidy(() => {
      const elements = next.size / next.shape[0];
      const count = meanOver === 'elements' ? elements : elements / next.shape[next.rank - 1]!;
      return factor === count ? rho(next, previous) : tf.mul(rho(next, previous), factor / count);
    });
}

/**
 * The name of ρ for a model with one output `[batch, elements]`, where ρ is a divergence of that name without a factor; else
 * `undefined`.
 */
export function divergenceNameOf(
  loss: unknown,
  outputName: string,
  elements: number,
  choice: DivergenceChoice | undefined,
): DivergenceName | undefined {
  const named = typeof choice === 'object' ? choice[outputName] : choice;
  if (typeof named === 'function') return undefined;
  if (named !== undefined) return named;
  const { name, meanOver, factor } = matches.get(lossOf(loss, outputName, 0)) ?? squaredError;
  return factor === (meanOver === 'elements' ? elements : 1) ? name : undefined;
}

/** What `compile` was told for one output: a name or a function. */
function lossOf(loss: unknown, outputName: string, index: number): unknown {
  if (Array.isArray(loss)) return (loss as readonly unknown[])[index];
  if (typeof loss === 'object' && loss !== null)
    return (loss as Readonly<Record<string, unknown>>)[outputName];
  return loss;
}

/** @throws ApoError `INVALID_ARGUMENT` when a choice names an unknown divergence or an output that is not there. */
export function requireDivergenceChoice(
  choice: DivergenceChoice | undefined,
  outputNames: readonly string[],
): void {
  if (typeof choice === 'string') divergence(choice);
  if (typeof choice !== 'object') return;
  for (const [outputName, named] of Object.entries(choice)) {
    requireArgument(
      outputNames.includes(outputName),
      () =>
        `divergence names the output "${outputName}"; the model's outputs are ${outputNames.map((name) => `"${name}"`).join(', ')}.`,
    );
    if (typeof named === 'string') divergence(named);
  }
}

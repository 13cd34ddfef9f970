/** The part of a curvature step that runs on the engine alone: forward and backward, and the running averages after the batch. */
import * as tf from '@tensorflow/tfjs-core';
import { basePass, captureLayers } from '@apo/core';
import type { GradientClip, LayerCapture, Objective, Outputs, SeededBatch, TensorMap } from '@apo/core';
import { brokenFlags } from '../step/finite-guard.js';
import type { PendingStep } from '../step/begun-step.js';
import { mapValues } from '../step/state.js';
import type { Observation, StateValues } from './block.js';
import { averaged } from './block-states.js';
import type { BlockWithState } from './block-states.js';
import type { ResolvedCurvatureOptions } from './curvature-options.js';
import { fisherSource } from './fisher.js';
import { planVariables } from './partition.js';

export interface CurvaturePassInput<B> {
  readonly objective: Objective<B>;
  readonly batches: readonly SeededBatch<B>[];
  readonly onOutputs: ((outputs: Outputs, index: number) => void) | undefined;
  readonly options: ResolvedCurvatureOptions;
  readonly clip: GradientClip | undefined;
  /** A seed per batch for the draws of the Fisher; none when this step observes nothing. */
  readonly fisherSeeds: readonly number[];
  /** The blocks so far; empty before the first step, when `createBlocks` makes them. */
  readonly blocks: readonly BlockWithState[];
  readonly createBlocks: (capture: LayerCapture) => readonly BlockWithState[];
  /** What the running averages keep of their old values. */
  readonly keptPart: number;
}

/** All tensors are kept until `dispose`. */
export interface CurvatureStep<B> extends PendingStep {
  readonly batches: readonly SeededBatch<B>[];
  /** Clipped, weight decay included. */
  readonly gradients: TensorMap;
  readonly blocks: readonly BlockWithState[];
  /** The averages after this batch, by block; empty where nothing was observed. */
  readonly averages: readonly TensorMap[];
  /** Only when a block projects. */
  readonly observations: readonly Observation[];
  /** 1 where a gradient of the block is not finite, `[blocks]`. */
  readonly broken: tf.Tensor;
  /** What `settle` computed, by block; empty when nothing was inverted. */
  inverted: readonly StateValues[];
  /** λ of this step. */
  damping: number;
  /** The blocks were made for this step, and their states are disposed with it unless it is `adopted`. */
  readonly isFirst: boolean;
  adopted: boolean;
}

/** Runs the pass. Nothing of what it is given is changed. */
export function curvaturePass<B>(input: CurvaturePassInput<B>, damping: number): CurvatureStep<B> {
  const kept: tf.Tensor[] = [];
  const keep = <T extends tf.Tensor>(tensor: T): T => {
    kept.push(tf.keep(tensor));
    return tensor;
  };
  const isFirst = input.blocks.length === 0;
  let { blocks } = input;
  let step: CurvatureStep<B> | undefined;
  const dispose = (): void => {
    tf.dispose(kept);
    if (isFirst && !step?.adopted) tf.dispose(blocks.flatMap(({ state }) => Object.values(state)));
  };
  try {
    tf.tidy(() => {
      const observations: Observation[] = [];
      const passes = input.batches.map((_, i) => observedPass(input, i, observations));
      const [first] = observations;
      if (isFirst && first) blocks = input.createBlocks(first.capture);
      const gradients = totalGradient(input, passes);
      const projects = blocks.some(({ block }) => block.project !== undefined);
      step = {
        batches: input.batches,
        loss: keep(mean(passes.map(({ loss }) => loss)) as tf.Scalar),
        gradients: mapValues(gradients, keep),
        blocks,
        averages: blocks.map((entry) => mapValues(nextAverages(entry, observations, input.keptPart), keep)),
        observations: projects ? observations.map((observation) => keptObservation(observation, keep)) : [],
        broken: keep(
          brokenFlags(blocks.map(({ block }) => planVariables(block.plan).map((name) => gradients[name]!))),
        ),
        inverted: [],
        damping,
        isFirst,
        adopted: false,
        dispose,
      };
    });
    return step!;
  } catch (error) {
    dispose();
    throw error;
  }
}

/** One (micro-)batch: an ordinary pass, or one whose layers are observed. */
function observedPass<B>(
  { objective, batches, onOutputs, options, fisherSeeds }: CurvaturePassInput<B>,
  index: number,
  observations: Observation[],
): { readonly loss: tf.Scalar; readonly gradients: TensorMap } {
  const seeded = batches[index]!;
  const listen = onOutputs && {
    onOutputs: (outputs: Outputs): void => {
      onOutputs(outputs, index);
    },
  };
  const fisherSeed = fisherSeeds[index];
  if (fisherSeed === undefined) return basePass(objective, [seeded], { ...listen });
  const fisher = fisherSource({ ...options, kind: options.fisher }, fisherSeed);
  const capture = captureLayers(objective, seeded, { ...fisher.capture, ...listen });
  observations.push({ capture, fisher });
  return capture;
}

/** Mean over batches, clipped, plus the weight decay. */
function totalGradient<B>(
  { objective, clip, options: { weightDecay } }: CurvaturePassInput<B>,
  passes: readonly { readonly gradients: TensorMap }[],
): TensorMap {
  const total = Object.fromEntries(
    objective.variables.map(({ name }) => [name, mean(passes.map(({ gradients }) => gradients[name]!))]),
  );
  const clipped = clip?.(total) ?? total;
  if (weightDecay === 0) return clipped;
  return Object.fromEntries(
    objective.variables.map((variable) => [
      variable.name,
      tf.add(clipped[variable.name]!, tf.mul(variable as tf.Tensor, weightDecay)),
    ]),
  );
}

function nextAverages(
  { block, state }: BlockWithState,
  observations: readonly Observation[],
  keptPart: number,
): TensorMap {
  const fresh = observations.flatMap((observation) => [block.statistics(observation) ?? []].flat());
  return fresh.length === 0 ? {} : averaged(state, meanMap(fresh), keptPart);
}

/** The observation with all tensors that a projection needs kept. */
function keptObservation(
  { capture, fisher }: Observation,
  keep: (tensor: tf.Tensor) => tf.Tensor,
): Observation {
  for (const use of capture.uses) {
    if (use.kind === 'other') continue;
    if ('inputs' in use) keep(use.inputs);
    for (const tensor of [use.outputGradients, ...use.cotangentGradients]) keep(tensor);
  }
  return { capture, fisher };
}

/** The mean of maps with the same names. */
export function meanMap(maps: readonly TensorMap[]): TensorMap {
  return mapValues(maps[0]!, (_, name) => mean(maps.map((map) => map[name]!)));
}

function mean(tensors: tf.Tensor[]): tf.Tensor {
  return tensors.length === 1 ? tensors[0]! : tf.div(tf.addN(tensors), tensors.length);
}

/** What a curvature block can do. Blocks own no tensors: their state is a map of tensors that the optimizer keeps. */
import type * as tf from '@tensorflow/tfjs-core';
import type { LayerCapture, LayerUse, TensorMap } from '@apo/core';
import type { Needs } from '../step/needs.js';
import type { FisherSource } from './fisher.js';
import type { BlockPlan } from './partition.js';

/** One (micro-)batch seen by a block. */
export interface Observation {
  readonly capture: LayerCapture;
  readonly fisher: FisherSource;
}

/** Values on the CPU that become state tensors. */
export type StateValues = Readonly<
  Record<string, { readonly values: Float32Array; readonly shape: readonly number[] }>
>;

export interface CurvatureBlock {
  readonly plan: BlockPlan;
  /** Shapes of all state tensors, zero at the start. */
  readonly stateShapes: Readonly<Record<string, readonly number[]>>;
  /** The averages that `statistics` gives, and `invert` reads. */
  readonly averages: readonly string[];
  /** The averages of one batch, new tensors; `undefined` when the block's variables were not used. Inside `tf.tidy`. */
  statistics(observation: Observation): TensorMap | undefined;
  /**
   * What follows from the averages (their values in the order of `averages`) on the CPU, in float64.
   * @throws LinalgError that names the layer.
   */
  invert(values: readonly Float32Array[], damping: number): Needs<StateValues>;
  /** Averages that need what `invert` gave, of one batch; for EKFAC's moments. Inside `tf.tidy`. */
  project?(state: TensorMap, observation: Observation): TensorMap | undefined;
  /** The preconditioned gradients of the block's variables. Inside `tf.tidy`. */
  precondition(state: TensorMap, gradients: TensorMap, damping: number): TensorMap;
  /** δᵀ F δ by the block's approximation of F. Inside `tf.tidy`. */
  quadratic(state: TensorMap, displacement: TensorMap): tf.Scalar;
}

/** Uses that have gradients. */
export type ObservedUse = Exclude<LayerUse, { kind: 'other' }>;

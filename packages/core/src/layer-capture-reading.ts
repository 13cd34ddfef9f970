/** What readers of kernel calls have in common: what they return, and how a variable shows itself to them. */
import type * as tf from '@tensorflow/tfjs-core';
import type { ConvolutionLayer, DenseLayer, KnownLayer } from './layer-capture-kinds.js';
import type { KernelCall, KernelTrace, View } from './layer-capture-trace.js';

/** A layer at an observed output. */
export interface ObservedLayer {
  readonly layer: KnownLayer;
  /** Makes its inputs from tensors that the table keeps; called after the pass, so that nothing of it is recorded for gradients. */
  readonly inputs?: () => tf.Tensor;
  /** The form in which gradients at its output are handed out, where it is not that of the output. */
  readonly outputShape?: readonly number[];
  /**
   * The layer whose bias this is, as long as nothing else reads its output: only then is the gradient there the gradient here.
   * Until the pass is over it stands for both.
   */
  readonly biasOf?: { readonly layer: DenseLayer | ConvolutionLayer; readonly output: number };
}

/** Uses found at one call. */
export interface Reading {
  readonly layers: readonly ObservedLayer[];
  /** Names of the variables that are accounted for. */
  readonly covered: readonly string[];
}

/** What has been found so far. */
export interface LayersFound {
  /** The layers at each observed output, in the order of the outputs. */
  readonly observed: readonly (readonly ObservedLayer[])[];
  /** A copy of `tensor` that outlives the pass. */
  keep(tensor: tf.Tensor): tf.Tensor;
}

/** `undefined` when the call is no layer that this reader knows. */
export type Reader = (call: KernelCall, trace: KernelTrace, found: LayersFound) => Reading | undefined;

/** y = x ⊙ p. */
export function scale(
  view: View<tf.Variable>,
  shape: readonly number[],
  inputs: () => tf.Tensor,
): ObservedLayer {
  return {
    layer: { kind: 'scale', variable: view.of.name, alignedShape: view.tiledFrom ?? shape },
    inputs,
  };
}

/** y = x + p. */
export function shift(view: View<tf.Variable>, shape: readonly number[]): ObservedLayer {
  return { layer: { kind: 'shift', variable: view.of.name, alignedShape: view.tiledFrom ?? shape } };
}

/** A fused kernel whose own kernel is not watched still adds a watched bias. */
export function readBiasAlone(call: KernelCall, trace: KernelTrace): Reading | undefined {
  const { bias } = call.inputs;
  const view = trace.variable(bias);
  if (view === undefined || bias === undefined) return undefined;
  return {
    layers: [shift(view, bias.shape)],
    covered: [view.of.name],
  };
}

/** The bias of a fused kernel. */
export function biasOf(view: View<tf.Variable> | undefined, channels: number): { bias?: string } {
  return plainView(view)?.of.size === channels ? { bias: view!.of.name } : {};
}

/** The view, unless its elements are repeated. */
export function plainView(view: View<tf.Variable> | undefined): View<tf.Variable> | undefined {
  return view?.tiledFrom === undefined ? view : undefined;
}

/** No activation in a fused kernel. */
export function isLinear(activation: unknown): boolean {
  return activation === undefined || activation === 'linear';
}

/** One use of a variable by a layer, with what the layer saw in one pass: its inputs X̄ and the gradients Δ at its output. */
import type * as tf from '@tensorflow/tfjs-core';
import type {
  ConvolutionLayer,
  DenseLayer,
  ElementwiseLayer,
  EmbeddingLayer,
  OtherLayer,
} from './layer-capture-kinds.js';

interface Inputs {
  /**
   * dense: X̄ `[rows, in]`. Convolutions: the image `[batch, height, width, in]`. scale: x with the shape of the output.
   * embedding: the indices, int32, any shape.
   */
  readonly inputs: tf.Tensor;
}

interface OutputGradients {
  /**
   * Δ = ∂J/∂y at the layer's output y (before an activation, but for a bias before or after it), of the shape of y; of dense
   * layers with the axes of an output vector in one, the last.
   */
  readonly outputGradients: tf.Tensor;
  /** The same for each of the `cotangents`, instead of ∂J/∂f. */
  readonly cotangentGradients: readonly tf.Tensor[];
}

/** One use of a variable. A variable that is used twice has two. */
export type LayerUse =
  | Readonly<DenseLayer & Inputs & OutputGradients>
  | Readonly<ConvolutionLayer<'convolution'> & Inputs & OutputGradients>
  | Readonly<ConvolutionLayer<'depthwise'> & Inputs & OutputGradients>
  | Readonly<ConvolutionLayer<'transposed-convolution'> & Inputs & OutputGradients>
  | Readonly<ElementwiseLayer<'scale'> & Inputs & OutputGradients>
  | Readonly<ElementwiseLayer<'shift'> & OutputGradients>
  | Readonly<EmbeddingLayer & Inputs & OutputGradients>
  | OtherLayer;

/** Whether the layer with this kernel is worth recording when it sees so many rows: examples, or positions of sequences. */
export type LayerFilter = (kernel: string, rows: number) => boolean;

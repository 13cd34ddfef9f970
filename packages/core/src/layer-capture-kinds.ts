/** The kinds of layers that a captured pass tells apart, each with what its curvature needs to know. Tensors are added in `layer-capture.ts`. */

/** Where a convolution looks: rows and columns of the padded image, NHWC. */
export interface ConvolutionGeometry {
  readonly kernelSize: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  /** Zeros around the image: `[[top, bottom], [left, right]]`. */
  readonly padding: readonly [readonly [number, number], readonly [number, number]];
  readonly outputSize: readonly [number, number];
}

/** y = x W (+ b) on rows, by a matrix product or an `einsum` that is one. */
export interface DenseLayer {
  readonly kind: 'dense';
  readonly kernel: string;
  /** The variable that is added to every row of the output and to nothing before it, where the output has no other use. */
  bias?: string;
  /** The variable is `[out, in]` (the op multiplies by its transpose), otherwise `[in, out]`, axes merged if it has more. */
  readonly transposed: boolean;
  /** `[in, out]`. */
  readonly matrixShape: readonly [number, number];
}

type ConvolutionKind = 'convolution' | 'depthwise' | 'transposed-convolution';

/**
 * A convolution with kernel `[kh, kw, in, out]`, a depthwise one with `[kh, kw, in, multiplier]`, or a transposed one with
 * `[kh, kw, out, in]`: its geometry is that of the convolution which leads back from y to x.
 */
export interface ConvolutionLayer<Kind extends ConvolutionKind = ConvolutionKind> {
  readonly kind: Kind;
  readonly kernel: string;
  bias?: string;
  readonly geometry: ConvolutionGeometry;
}

/** y = x ⊙ p or y = x + p with p broadcast, also the two halves of a normalisation. */
export interface ElementwiseLayer<Kind extends 'scale' | 'shift' = 'scale' | 'shift'> {
  readonly kind: Kind;
  readonly variable: string;
  /** The shape of p as the op saw it; it aligns with the last axes of the output. */
  readonly alignedShape: readonly number[];
}

/** Rows of `[vocabulary, dim]` picked by index. */
export interface EmbeddingLayer {
  readonly kind: 'embedding';
  readonly variable: string;
}

/** An op that nobody here knows, by the name of its kernel. */
export interface OtherLayer {
  readonly kind: 'other';
  readonly variable: string;
  readonly kernelName: string;
}

export type KnownLayer = DenseLayer | ConvolutionLayer | ElementwiseLayer | EmbeddingLayer;

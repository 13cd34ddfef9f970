/** Which layer a kernel call is, seen from the variables that it takes: a table from kernel names to readers, and the uses they find. */
import * as tf from '@tensorflow/tfjs-core';
import type { ConvolutionLayer, DenseLayer, KnownLayer, OtherLayer } from './layer-capture-kinds.js';
import type { KernelCall, KernelTrace, TraceListener, View } from './layer-capture-trace.js';

/** A layer at an observed output. */
export interface ObservedLayer {
  readonly layer: KnownLayer;
  /** Makes its inputs from tensors that the table keeps; called after the pass, so that nothing of it is recorded for gradients. */
  readonly inputs?: () => tf.Tensor;
}

/** Uses found at one call. */
interface Reading {
  readonly layers: readonly ObservedLayer[];
  /** Names of the variables that are accounted for. */
  readonly covered: readonly string[];
}

type Reader = (call: KernelCall, trace: KernelTrace, found: LayerTable) => Reading | undefined;

/** Collects the layers of one forward pass. Inputs are kept tensors: `dispose` them. */
export class LayerTable implements TraceListener {
  /** The layers at each observed output, in the order of the outputs. */
  readonly observed: ObservedLayer[][] = [];
  readonly others: OtherLayer[] = [];
  private readonly kept: tf.Tensor[] = [];

  use(call: KernelCall, trace: KernelTrace): boolean {
    const names = new Set(
      Object.values(call.inputs).flatMap((input) => trace.variable(input)?.of.name ?? []),
    );
    const reading = readers[call.kernelName]?.(call, trace, this);
    for (const name of reading?.covered ?? []) names.delete(name);
    for (const variable of names) this.others.push({ kind: 'other', variable, kernelName: call.kernelName });
    if (reading === undefined || reading.layers.length === 0) return false;
    this.observed.push([...reading.layers]);
    return true;
  }

  other(kernelName: string, variables: readonly tf.Variable[]): void {
    for (const { name } of variables) this.others.push({ kind: 'other', variable: name, kernelName });
  }

  /** A copy of `tensor` that outlives the pass. */
  keep(tensor: tf.Tensor): tf.Tensor {
    const copy = tf.keep(tf.clone(tensor));
    this.kept.push(copy);
    return copy;
  }

  dispose(): void {
    tf.dispose(this.kept);
  }
}

/** Kernels by name. A kernel that is not here makes its variables `other`. */
const readers: Partial<Record<string, Reader>> = {
  BatchMatMul: readDense,
  _FusedMatMul: readDense,
  Conv2D: readConvolution('convolution'),
  FusedConv2D: readConvolution('convolution'),
  DepthwiseConv2dNative: readConvolution('depthwise'),
  FusedDepthwiseConv2D: readConvolution('depthwise'),
  Add: readSum,
  Sub: readSum,
  Multiply: readProduct,
  FusedBatchNorm: readNormalization,
  GatherV2: readEmbedding,
};

function readDense(call: KernelCall, trace: KernelTrace, table: LayerTable): Reading | undefined {
  const { a, b, bias } = call.inputs;
  const { transposeA, transposeB, activation } = call.attributes;
  const view = untiled(trace.variable(b));
  if (a === undefined || b === undefined || trace.variable(a) || !isLinear(activation)) return undefined;
  if (view === undefined) return readBiasAlone(call, trace);
  const [rows, columns] = b.shape.slice(-2) as [number, number];
  if (b.size !== rows * columns) return undefined;
  const matrixShape: readonly [number, number] = transposeB ? [columns, rows] : [rows, columns];
  const layer: DenseLayer = {
    kind: 'dense',
    kernel: view.of.name,
    ...biasOf(trace.variable(bias), matrixShape[1]),
    transposed: view.transposed !== (transposeB === true),
    matrixShape,
  };
  const kept = table.keep(a);
  const inputs = (): tf.Tensor => tf.reshape(transposeA ? swapLastTwo(kept) : kept, [-1, matrixShape[0]]);
  return {
    layers: [{ layer, inputs }],
    covered: layer.bias === undefined ? [layer.kernel] : [layer.kernel, layer.bias],
  };
}

function readConvolution(kind: 'convolution' | 'depthwise'): Reader {
  return (call, trace, table) => {
    const { x, filter, bias } = call.inputs;
    const { strides, pad, dilations, dataFormat, dimRoundingMode, activation } =
      call.attributes as unknown as {
        strides: number | [number, number];
        pad: 'same' | 'valid' | number;
        dilations?: number | [number, number];
        dataFormat?: string;
        dimRoundingMode?: 'floor' | 'round' | 'ceil';
        activation?: string;
      };
    const view = untiled(trace.variable(filter));
    if (x === undefined || filter === undefined || trace.variable(x) || !isLinear(activation))
      return undefined;
    if (view === undefined) return readBiasAlone(call, trace);
    if (view.transposed || (dataFormat ?? 'NHWC') !== 'NHWC') return undefined;
    const info = tf.backend_util.computeConv2DInfo(
      x.shape as [number, number, number, number],
      filter.shape as [number, number, number, number],
      strides,
      dilations ?? 1,
      pad,
      dimRoundingMode,
      kind === 'depthwise',
    );
    const { padInfo } = info;
    const layer: ConvolutionLayer = {
      kind,
      kernel: view.of.name,
      ...biasOf(trace.variable(bias), info.outChannels),
      geometry: {
        kernelSize: [info.filterHeight, info.filterWidth],
        strides: [info.strideHeight, info.strideWidth],
        dilations: [info.dilationHeight, info.dilationWidth],
        padding: [
          [padInfo.top, padInfo.bottom],
          [padInfo.left, padInfo.right],
        ],
        outputSize: [info.outHeight, info.outWidth],
      },
    };
    const kept = table.keep(x);
    return {
      layers: [{ layer, inputs: () => tf.clone(kept) }],
      covered: layer.bias === undefined ? [layer.kernel] : [layer.kernel, layer.bias],
    };
  };
}

/** y + p: the bias of the layer that made y, or a shift. */
function readSum(call: KernelCall, trace: KernelTrace, table: LayerTable): Reading | undefined {
  const pair = oneVariable(call, trace);
  if (pair === undefined) return undefined;
  const { view, aligned, other } = pair;
  const layer = call.kernelName === 'Add' ? layerThatMade(other, trace, table) : undefined;
  const channels = other.shape[other.rank - 1];
  if (layer?.bias === undefined && layer && untiled(view) && isRow(aligned, channels)) {
    layer.bias = view.of.name;
    return { layers: [], covered: [view.of.name] };
  }
  return {
    layers: [shift(view, aligned.shape)],
    covered: [view.of.name],
  };
}

function readProduct(call: KernelCall, trace: KernelTrace, table: LayerTable): Reading | undefined {
  const pair = oneVariable(call, trace);
  if (pair === undefined) return undefined;
  const { view, aligned, other } = pair;
  const kept = table.keep(other);
  const outputShape = call.output.shape;
  return {
    layers: [scale(view, aligned.shape, () => tf.broadcastTo(kept, outputShape))],
    covered: [view.of.name],
  };
}

/** y = x̂ ⊙ scale + offset with x̂ = (x − mean) / √(variance + ε). */
function readNormalization(call: KernelCall, trace: KernelTrace, table: LayerTable): Reading | undefined {
  const { x, scale: gain, offset, mean, variance } = call.inputs;
  if (x === undefined || mean === undefined || variance === undefined || trace.variable(x)) return undefined;
  const layers: ObservedLayer[] = [];
  const gainView = trace.variable(gain);
  if (gainView && gain) {
    const [keptX, keptMean, keptVariance] = [table.keep(x), table.keep(mean), table.keep(variance)];
    const epsilon = call.attributes['varianceEpsilon'] as number;
    layers.push(
      scale(gainView, gain.shape, () =>
        tf.div(tf.sub(keptX, keptMean), tf.sqrt(tf.add(keptVariance, epsilon))),
      ),
    );
  }
  const offsetView = trace.variable(offset);
  if (offsetView && offset) layers.push(shift(offsetView, offset.shape));
  const covered = [gainView, offsetView].flatMap((view) => view?.of.name ?? []);
  return { layers, covered };
}

function scale(view: View<tf.Variable>, shape: readonly number[], inputs: () => tf.Tensor): ObservedLayer {
  return {
    layer: { kind: 'scale', variable: view.of.name, alignedShape: view.tiledFrom ?? shape },
    inputs,
  };
}

function shift(view: View<tf.Variable>, shape: readonly number[]): ObservedLayer {
  return { layer: { kind: 'shift', variable: view.of.name, alignedShape: view.tiledFrom ?? shape } };
}

function readEmbedding(call: KernelCall, trace: KernelTrace, table: LayerTable): Reading | undefined {
  const { x, indices } = call.inputs;
  const view = untiled(trace.variable(x));
  const { axis, batchDims } = call.attributes as unknown as { axis?: number; batchDims?: number };
  if (
    !view ||
    view.transposed ||
    !x ||
    !indices ||
    x.rank !== 2 ||
    (axis ?? 0) !== 0 ||
    (batchDims ?? 0) !== 0
  )
    return undefined;
  const kept = table.keep(indices);
  return {
    layers: [{ layer: { kind: 'embedding', variable: view.of.name }, inputs: () => tf.clone(kept) }],
    covered: [view.of.name],
  };
}

/** A fused kernel whose own kernel is not watched still adds a watched bias. */
function readBiasAlone(call: KernelCall, trace: KernelTrace): Reading | undefined {
  const { bias } = call.inputs;
  const view = trace.variable(bias);
  if (view === undefined || bias === undefined) return undefined;
  return {
    layers: [shift(view, bias.shape)],
    covered: [view.of.name],
  };
}

function oneVariable(
  { inputs: { a, b } }: KernelCall,
  trace: KernelTrace,
): { view: View<tf.Variable>; aligned: tf.Tensor; other: tf.Tensor } | undefined {
  if (a === undefined || b === undefined) return undefined;
  const [left, right] = [trace.variable(a), trace.variable(b)];
  if ((left === undefined) === (right === undefined)) return undefined;
  const view = (left ?? right)!;
  if (view.transposed) return undefined;
  return left ? { view, aligned: a, other: b } : { view, aligned: b, other: a };
}

function layerThatMade(
  tensor: tf.Tensor,
  trace: KernelTrace,
  table: LayerTable,
): DenseLayer | ConvolutionLayer | undefined {
  const view = trace.observedOutput(tensor);
  if (view === undefined || view.transposed) return undefined;
  const { layer } = table.observed[view.of]![0]!;
  return 'kernel' in layer ? layer : undefined;
}

function biasOf(view: View<tf.Variable> | undefined, channels: number): { bias?: string } {
  return untiled(view)?.of.size === channels ? { bias: view!.of.name } : {};
}

/** `[…, channels]` with nothing but 1 before it. */
function isRow({ size, shape }: tf.Tensor, channels: number | undefined): boolean {
  return size === channels && shape.at(-1) === channels;
}

/** The view, unless its elements are repeated. */
function untiled(view: View<tf.Variable> | undefined): View<tf.Variable> | undefined {
  return view?.tiledFrom === undefined ? view : undefined;
}

function isLinear(activation: unknown): boolean {
  return activation === undefined || activation === 'linear';
}

function swapLastTwo(tensor: tf.Tensor): tf.Tensor {
  const axes = tensor.shape.map((_, i) => i);
  return tf.transpose(tensor, [...axes.slice(0, -2), tensor.rank - 1, tensor.rank - 2]);
}

/** Which layer a kernel call is, seen from the variables that it takes: a table from kernel names to readers, and the uses they find. */
import * as tf from '@tensorflow/tfjs-core';
import { readConvolution, readTransposedConvolution } from './layer-capture-convolutions.js';
import type { ConvolutionLayer, DenseLayer, OtherLayer } from './layer-capture-kinds.js';
import { readDense, readEinsum } from './layer-capture-products.js';
import { plainView, scale, shift } from './layer-capture-reading.js';
import type { LayersFound, ObservedLayer, Reader, Reading } from './layer-capture-reading.js';
import type { KernelCall, KernelTrace, TraceListener, View } from './layer-capture-trace.js';

/** Collects the layers of one forward pass. Inputs are kept tensors: `dispose` them. */
export class LayerTable implements TraceListener, LayersFound {
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

  /** Now that the pass is over: each sum is either the bias of a layer or a shift of its own. */
  settle(trace: KernelTrace): void {
    this.observed.forEach((layers, at) => {
      this.observed[at] = layers.filter(({ biasOf }) => {
        if (biasOf === undefined) return true;
        if (trace.readsOf(biasOf.output) === 1) return false;
        delete biasOf.layer.bias;
        return true;
      });
    });
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
  Einsum: readEinsum,
  Conv2D: readConvolution('convolution'),
  FusedConv2D: readConvolution('convolution'),
  DepthwiseConv2dNative: readConvolution('depthwise'),
  FusedDepthwiseConv2D: readConvolution('depthwise'),
  Conv2DBackpropInput: readTransposedConvolution,
  Add: readSum,
  Sub: readSum,
  Multiply: readProduct,
  FusedBatchNorm: readNormalization,
  GatherV2: readEmbedding,
};

/** y + p: the bias of the layer that made y, or a shift. */
function readSum(call: KernelCall, trace: KernelTrace, table: LayersFound): Reading | undefined {
  const pair = oneVariable(call, trace);
  if (pair === undefined) return undefined;
  const { view, aligned, other } = pair;
  const made = call.kernelName === 'Add' ? layerThatMade(other, trace, table) : undefined;
  if (made && made.layer.bias === undefined && plainView(view) && isBiasOf(made, aligned, other)) {
    made.layer.bias = view.of.name;
    return {
      layers: [{ ...shift(view, aligned.shape), biasOf: made }],
      covered: [view.of.name],
    };
  }
  return {
    layers: [shift(view, aligned.shape)],
    covered: [view.of.name],
  };
}

function readProduct(call: KernelCall, trace: KernelTrace, table: LayersFound): Reading | undefined {
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
function readNormalization(call: KernelCall, trace: KernelTrace, table: LayersFound): Reading | undefined {
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

function readEmbedding(call: KernelCall, trace: KernelTrace, table: LayersFound): Reading | undefined {
  const { x, indices } = call.inputs;
  const view = plainView(trace.variable(x));
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

/** A layer with a kernel, and the length of one of its output vectors. */
interface MadeBy {
  readonly layer: DenseLayer | ConvolutionLayer;
  readonly output: number;
  readonly channels: number;
}

function layerThatMade(tensor: tf.Tensor, trace: KernelTrace, table: LayersFound): MadeBy | undefined {
  const view = trace.observedOutput(tensor);
  if (view === undefined || view.transposed) return undefined;
  const { layer } = table.observed[view.of]![0]!;
  if (!('kernel' in layer)) return undefined;
  const channels = layer.kind === 'dense' ? layer.matrixShape[1] : trace.outputs[view.of]!.shape.at(-1)!;
  return { layer, output: view.of, channels };
}

/** One number for each element of an output vector, which may have several axes by now, and the same for all of them. */
function isBiasOf({ channels }: MadeBy, aligned: tf.Tensor, other: tf.Tensor): boolean {
  const long = aligned.shape.findIndex((extent) => extent !== 1);
  const axes = long < 0 ? [] : aligned.shape.slice(long);
  return aligned.size === channels && other.shape.slice(other.rank - axes.length).join() === axes.join();
}

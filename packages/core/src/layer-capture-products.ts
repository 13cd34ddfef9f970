/** Matrix products with a variable: `matMul`, fused or not, and contractions by `einsum` that come down to one. */
import * as tf from '@tensorflow/tfjs-core';
import type { DenseLayer } from './layer-capture-kinds.js';
import { biasOf, isLinear, plainView, readBiasAlone } from './layer-capture-reading.js';
import type { LayersFound, Reading } from './layer-capture-reading.js';
import type { KernelCall, KernelTrace } from './layer-capture-trace.js';

export function readDense(call: KernelCall, trace: KernelTrace, table: LayersFound): Reading | undefined {
  const { a, b, bias } = call.inputs;
  const { transposeA, transposeB, activation } = call.attributes;
  const view = plainView(trace.variable(b));
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

/**
 * x and a kernel contracted over the labels that the output lacks: rows of the data times a matrix, when every other label of
 * the data is in the output, before those of the kernel, and the kernel's own stand in two groups. Anything else (a label in
 * all three, say) is no product of one matrix.
 */
export function readEinsum(call: KernelCall, trace: KernelTrace, table: LayersFound): Reading | undefined {
  const operands = Object.values(call.inputs);
  const [terms, output] = (call.attributes['equation'] as string).replace(/\s/g, '').split('->');
  const labels = terms!.split(',').map((term) => Array.from(term));
  if (operands.length !== 2 || output === undefined) return undefined;
  const at = operands.findIndex((operand) => trace.variable(operand));
  const [x, kernel] = [operands[1 - at], operands[at]];
  const view = plainView(trace.variable(kernel));
  if (!x || !kernel || !view || view.transposed || trace.variable(x)) return undefined;
  const matrix = asMatrix(labels[1 - at]!, labels[at]!, Array.from(output));
  if (matrix === undefined) return undefined;
  const { rows, contracted, own, transposed } = matrix;
  const extents = new Map(
    [...labels[at]!.map((label, i) => [label, kernel.shape[i]!] as const)].concat(
      labels[1 - at]!.map((label, i) => [label, x.shape[i]!] as const),
    ),
  );
  const shape = (wanted: readonly string[]): number[] => wanted.map((label) => extents.get(label)!);
  const size = (wanted: readonly string[]): number => shape(wanted).reduce((product, n) => product * n, 1);
  const layer: DenseLayer = {
    kind: 'dense',
    kernel: view.of.name,
    transposed,
    matrixShape: [size(contracted), size(own)],
  };
  const kept = table.keep(x);
  const order = [...rows, ...contracted].map((label) => labels[1 - at]!.indexOf(label));
  return {
    layers: [
      {
        layer,
        inputs: () => tf.reshape(tf.transpose(kept, order), [-1, layer.matrixShape[0]]),
        outputShape: [...shape(rows), layer.matrixShape[1]],
      },
    ],
    covered: [layer.kernel],
  };
}

interface MatrixLabels {
  /** In the order of the output. */
  readonly rows: readonly string[];
  /** In the order of the kernel. */
  readonly contracted: readonly string[];
  readonly own: readonly string[];
  /** The kernel's own labels come before the contracted ones. */
  readonly transposed: boolean;
}

function asMatrix(
  x: readonly string[],
  kernel: readonly string[],
  output: readonly string[],
): MatrixLabels | undefined {
  const contracted = kernel.filter((label) => x.includes(label));
  const own = kernel.filter((label) => !x.includes(label));
  const rows = output.filter((label) => !kernel.includes(label));
  const is = (a: readonly string[], ...b: readonly (readonly string[])[]): boolean =>
    a.join() === b.flat().join();
  const transposed = own.length > 0 && contracted.length > 0 && is(kernel, own, contracted);
  const isProduct =
    (transposed || is(kernel, contracted, own)) &&
    is(output, rows, own) &&
    rows.length > 0 &&
    rows.length + contracted.length === x.length;
  return isProduct ? { rows, contracted, own, transposed } : undefined;
}

function swapLastTwo(tensor: tf.Tensor): tf.Tensor {
  const axes = tensor.shape.map((_, i) => i);
  return tf.transpose(tensor, [...axes.slice(0, -2), tensor.rank - 1, tensor.rank - 2]);
}

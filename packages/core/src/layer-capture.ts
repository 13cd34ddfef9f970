/**
 * One forward and backward pass that also tells, for every variable, which layers used it, with which inputs X̄ and with which
 * gradients Δ at their outputs: what Kronecker-factored curvature is made of. Parameter gradients are those of an ordinary pass.
 */
import * as tf from '@tensorflow/tfjs-core';
import { gradientOf, meanLoss } from './base-pass.js';
import type { SeededBatch } from './base-pass.js';
import { LayerTable } from './layer-capture-layers.js';
import type { KnownLayer, OtherLayer } from './layer-capture-kinds.js';
import { KernelTrace } from './layer-capture-trace.js';
import type { LayerFilter, LayerUse } from './layer-use.js';
import type { Objective, Outputs } from './objective.js';
import type { TensorMap } from './update-rule.js';

export interface LayerCapture {
  /** J_B(θ), regularisers included. */
  readonly loss: tf.Scalar;
  /** ∇J_B(θ) by variable name. */
  readonly gradients: TensorMap;
  /** Examples in the batch: the first extent of the first output. */
  readonly examples: number;
  /** In the order of the forward pass, those of kind `other` last. A variable without any was not used in `predict`. */
  readonly uses: readonly LayerUse[];
}

export interface CaptureOptions {
  /** Sees the prediction itself, inside the pass. */
  readonly onOutputs?: (outputs: Outputs) => void;
  /**
   * Further cotangents to send back from the outputs: each a list with one tensor per output, of its shape. Each costs about half
   * a backward pass, since no parameter gradient is taken; intermediate tensors of it live until the pass ends.
   */
  readonly cotangents?: (outputs: readonly tf.Tensor[]) => readonly (readonly tf.Tensor[])[];
  /**
   * Look for uses in the loss and the regulariser, too: then a variable whose uses are all `dense` has the gradient Σ X̄ᵀΔ
   * and nothing else. Default: in `predict` alone.
   */
  readonly wholeObjective?: boolean;
  /** Dense layers alone, those that it holds for; every other use is listed as `other`, and its Δ is not kept. Default: all layers. */
  readonly only?: LayerFilter;
}

/**
 * Forward and backward over one batch in training mode with the dropout masks of `seed`. Run inside `tf.tidy`, to which all
 * tensors of the result belong.
 *
 * Layers are recognised by the engine kernels that take a variable, or a reshaped or transposed view of it: matrix products
 * (dense, also by `einsum`), convolutions, depthwise and transposed ones, broadcast sums and products (normalisation), batch
 * normalisation and gathers (embeddings). A bias belongs to a layer when it is added to the layer's output itself, which nothing
 * else reads; otherwise the gradients there are others, and it is a shift. Everything else that takes a variable is reported as `other`. Calls may be nested, and the engine is as it was afterwards, also when something throws.
 */
export function captureLayers<B>(
  objective: Objective<B>,
  seeded: SeededBatch<B>,
  { onOutputs, cotangents, wholeObjective = false, only }: CaptureOptions = {},
): LayerCapture {
  const { variables, regularizer } = objective;
  const table = new LayerTable();
  const kept: tf.Tensor[] = [];
  const keep = (tensor: tf.Tensor): tf.Tensor => {
    const copy = tf.keep(tf.clone(tensor));
    kept.push(copy);
    return copy;
  };
  const gradientsAt: (tf.Tensor | undefined)[] = [];
  let further: readonly (readonly tf.Tensor[])[] = [];
  let recording = false;
  const trace = new KernelTrace(variables, table, (index, gradient) => {
    if (recording && isWanted(index)) gradientsAt[index] = keep(gradient);
  });
  const isWanted = (index: number): boolean => {
    const layers = table.observed[index]!;
    if (only === undefined || layers.length === 0) return layers.length > 0;
    return layers.every(
      ({ layer }) =>
        layer.kind === 'dense' && only(layer.kernel, trace.outputs[index]!.size / layer.matrixShape[1]),
    );
  };
  let examples = 0;
  const inLoss = <T>(body: () => T): T => (wholeObjective ? trace.run(body) : body());
  const traced: Objective<B> = {
    ...objective,
    predict: (batch, training) => trace.run(() => objective.predict(batch, training)),
    loss: (outputs, batch) => inLoss(() => objective.loss(outputs, batch)),
    ...(regularizer && { regularizer: () => inLoss(() => regularizer.call(objective)) }),
  };
  try {
    const { value, gradients } = gradientOf(() => {
      const loss = meanLoss(traced, [seeded], (outputs) => {
        const list = Array.isArray(outputs) ? outputs : [outputs];
        examples = list[0]?.shape[0] ?? 1;
        trace.read(Object.fromEntries(list.entries()));
        onOutputs?.(outputs);
        further = (cotangents?.(list) ?? []).map((cotangent) =>
          backTo(trace.outputs, list, cotangent).map(keep),
        );
      });
      table.settle(trace);
      recording = true;
      return loss;
    }, variables);
    const owned = (tensor: tf.Tensor): tf.Tensor => tf.clone(tensor);
    const uses = table.observed.flatMap((layers, index): LayerUse[] => {
      if (!isWanted(index)) return layers.flatMap(({ layer }) => unrecorded(layer));
      const { shape } = trace.outputs[index]!;
      const delta = gradientsAt[index];
      const outputGradients = delta ? owned(delta) : tf.zeros(shape);
      const cotangentGradients = further.map((gradientsOf) => owned(gradientsOf[index]!));
      return layers.map(({ layer, inputs, outputShape = shape }) => {
        const formed = (gradient: tf.Tensor): tf.Tensor => tf.reshape(gradient, [...outputShape]);
        return {
          ...layer,
          ...(inputs && { inputs: inputs() }),
          outputGradients: formed(outputGradients),
          cotangentGradients: cotangentGradients.map(formed),
        } as LayerUse;
      });
    });
    return { loss: value, gradients, examples, uses: [...uses, ...table.others] };
  } finally {
    table.dispose();
    tf.dispose(kept);
  }
}

/** A known layer as one that is not. */
function unrecorded(layer: KnownLayer): OtherLayer[] {
  const names = 'kernel' in layer ? [layer.kernel, layer.bias ?? []].flat() : [layer.variable];
  return names.map((variable) => ({ kind: 'other', variable, kernelName: layer.kind }));
}

/** Σ over outputs of (∂output/∂y)ᵀ cotangent, for each y of `targets`. */
function backTo(
  targets: readonly tf.Tensor[],
  outputs: readonly tf.Tensor[],
  cotangent: readonly tf.Tensor[],
): tf.Tensor[] {
  if (targets.length === 0) return [];
  const perOutput = outputs.map(
    (output, i) => tf.engine().gradients(() => output, [...targets], cotangent[i], true).grads,
  ) as (tf.Tensor | undefined)[][];
  return targets.map((target, t) => {
    const parts = perOutput.flatMap((gradients) => gradients[t] ?? []);
    return parts.length === 0 ? tf.zeros(target.shape) : parts.length === 1 ? parts[0]! : tf.addN(parts);
  });
}

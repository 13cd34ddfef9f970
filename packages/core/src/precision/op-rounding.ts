/**
 * Runs a function as a program in 16 bits would: every op in it reads, writes and stores 16-bit tensors and computes in float32.
 * It stands in, for the duration of one synchronous call, for the one method of TensorFlow.js's engine that all ops go through.
 */
import * as tf from '@tensorflow/tfjs-core';
import { withEngineDoors } from '../engine-doors.js';
import { ApoError } from '../errors.js';
import type { Precision } from './format.js';
import { ACCUMULATIONS, CONTRACTIONS, SELECTIONS } from './op-classes.js';
import { roundTo } from './round.js';

/** Tensors by name, or a list; an optional operand may be absent. */
type Operands = Readonly<Record<string, tf.Tensor | undefined>>;
type Result = tf.Tensor | tf.Tensor[];
type Gradients = Readonly<Record<string, () => tf.Tensor>>;
type Save = (tensors: tf.Tensor[]) => void;

/** A kernel by its name. */
interface KernelCall {
  readonly kernelName: string;
  readonly inputs: Operands;
  readonly attrs?: unknown;
}

/** An op with a gradient of its own, as `tf.customGrad` makes them. */
interface OpCall {
  readonly forwardFunc: (backend: unknown, save: Save) => Result;
  readonly backwardsFunc: ((cotangent: Result, saved: tf.Tensor[], attrs: unknown) => Gradients) | undefined;
  readonly inputs: Operands;
  readonly attrs?: unknown;
}

/** What this file needs of the engine; the method is private in its types. */
interface EngineSeam {
  runKernelFunc: (call: KernelCall | OpCall) => Result;
}

/**
 * Runs `body`, in which these tensors are 16-bit already:
 *
 * - the tensors of `narrow`, the results of products (`CONTRACTIONS`), and the result of every op that reads one of them, but for
 *   sums and means (`ACCUMULATIONS`);
 * - both operands of a product, whatever they were before;
 * - what an op stores of these for its backward pass, and the cotangent that comes back to it;
 * - the gradient that an op gives to a variable of `narrow`.
 *
 * Ops on other tensors alone (pre-processing, masks, random numbers) are left in float32. A custom op is one op: rounded outside,
 * float32 inside.
 * @throws ApoError `INVALID_ARGUMENT` when `body` is asynchronous; the engine is as before in any case.
 */
export function withRoundedOps<T>(precision: Precision, narrow: readonly tf.Tensor[], body: () => T): T {
  const engine = tf.engine() as unknown as EngineSeam;
  const run = engine.runKernelFunc as EngineSeam['runKernelFunc'] | undefined;
  if (typeof run !== 'function') {
    throw new ApoError(
      'UNSUPPORTED',
      'This version of @tensorflow/tfjs-core runs its ops in a way that 16-bit rounding does not know; use 4.22.',
    );
  }
  const rounding = new OpRounding(precision, narrow, run.bind(engine));
  const doors: EngineSeam = { runKernelFunc: (call) => rounding.run(call) };
  return withEngineDoors(doors as object, () => {
    const result = body();
    if (result instanceof Promise) {
      throw new ApoError(
        'INVALID_ARGUMENT',
        'The function that is to run in 16 bits is asynchronous; its ops are rounded only until it returns, so make it synchronous.',
      );
    }
    return result;
  });
}

/** Whether ops are rounded (`ops`), parts of a custom op of which only products are (`parts`), or nothing is (`off`). */
type Mode = 'ops' | 'parts' | 'off';

class OpRounding {
  private mode: Mode = 'ops';
  private readonly variables: ReadonlySet<tf.Tensor>;
  /** The data of tensors whose every element the format has; tensors that share data share this. */
  private readonly narrow = new WeakSet();
  /** The data of operands that a product inside the current custom op has rounded. */
  private contracted = new WeakSet();
  private contracts = false;

  constructor(
    private readonly precision: Precision,
    narrow: readonly tf.Tensor[],
    private readonly engine: EngineSeam['runKernelFunc'],
  ) {
    this.variables = new Set(narrow);
    narrow.forEach((tensor) => this.mark(tensor));
  }

  run(call: KernelCall | OpCall): Result {
    if (this.mode === 'off') return this.engine(call);
    const asPart = this.mode === 'parts';
    if (!('kernelName' in call)) return asPart ? this.engine(call) : this.runCustomOp(call);
    return asPart ? this.runPart(call) : this.runKernel(call);
  }

  private runKernel({ kernelName, inputs, attrs }: KernelCall): Result {
    const isContraction = CONTRACTIONS.has(kernelName);
    const isRounded = isContraction || floats(inputs).some((tensor) => this.isNarrow(tensor));
    if (!isRounded || ACCUMULATIONS.has(kernelName))
      return this.within('off', () => this.engine({ kernelName, inputs, attrs }));

    const gradient = tf.getGradient(kernelName) as tf.GradConfig | undefined;
    const isExact = SELECTIONS.has(kernelName) && floats(inputs).every((tensor) => this.isNarrow(tensor));
    return this.engine({
      inputs,
      attrs,
      forwardFunc: (_, save) =>
        this.within('off', () => {
          const operands = isContraction ? mapOperands(inputs, (tensor) => this.rounded(tensor)) : inputs;
          const result = this.engine({ kernelName, inputs: operands, attrs });
          const outputs = list(result).map((tensor) => (isExact ? this.mark(tensor) : this.rounded(tensor)));
          if (gradient) save(stored(gradient, operands, outputs));
          return Array.isArray(result) ? outputs : outputs[0]!;
        }),
      backwardsFunc:
        gradient && this.backward(inputs, gradient.gradFunc as unknown as OpCall['backwardsFunc'] & object),
    });
  }

  private runCustomOp({ forwardFunc, backwardsFunc, inputs, attrs }: OpCall): Result {
    let isRounded = floats(inputs).some((tensor) => this.isNarrow(tensor));
    const rounding = backwardsFunc && this.backward(inputs, backwardsFunc);
    return this.engine({
      inputs,
      attrs,
      forwardFunc: (backend, save) =>
        this.within('parts', () => {
          this.contracted = new WeakSet();
          this.contracts = false;
          let kept: tf.Tensor[] = [];
          try {
            const result = forwardFunc(backend, (tensors) => {
              kept = tensors.map((tensor) => tf.keep(tf.clone(tensor)));
            });
            isRounded ||= this.contracts;
            return this.within('off', () => {
              const outputs = list(result).map((tensor) => (isRounded ? this.rounded(tensor) : tensor));
              save(kept.map((tensor) => this.asStored(tensor, list(result), outputs)));
              return Array.isArray(result) ? outputs : outputs[0]!;
            });
          } finally {
            tf.dispose(kept);
          }
        }),
      backwardsFunc:
        rounding &&
        ((cotangent, saved, attributes) =>
          (isRounded ? rounding : backwardsFunc)(cotangent, saved, attributes)),
    });
  }

  /** A kernel inside a custom op: products read 16-bit operands and give what the op goes on with in float32. */
  private runPart({ kernelName, inputs, attrs }: KernelCall): Result {
    if (!CONTRACTIONS.has(kernelName)) return this.engine({ kernelName, inputs, attrs });
    this.contracts = true;
    const operands = mapOperands(inputs, (tensor) => {
      this.contracted.add(tensor.dataId);
      return this.rounded(tensor);
    });
    return this.engine({ kernelName, inputs: operands, attrs });
  }

  /** What a custom op stores: its rounded result instead of its result, and rounded operands of products. */
  private asStored(
    tensor: tf.Tensor,
    results: readonly tf.Tensor[],
    outputs: readonly tf.Tensor[],
  ): tf.Tensor {
    const place = results.findIndex(({ dataId }) => dataId === tensor.dataId);
    if (place >= 0) return tf.reshape(outputs[place]!, tensor.shape);
    return this.contracted.has(tensor.dataId) ? this.rounded(tensor) : tensor;
  }

  /** The backward function, given rounded cotangents and giving rounded gradients to variables. It runs after `body` has ended. */
  private backward(
    inputs: Operands,
    gradFunc: OpCall['backwardsFunc'] & object,
  ): OpCall['backwardsFunc'] & object {
    const round = (tensor: tf.Tensor): tf.Tensor =>
      tensor.dtype === 'float32' ? roundTo(tensor, this.precision) : tensor;
    return (cotangent, saved, attrs) => {
      const rounded = Array.isArray(cotangent) ? cotangent.map(round) : round(cotangent);
      const gradients = Object.entries(gradFunc(rounded, saved, attrs));
      return Object.fromEntries(
        gradients.map(([name, give]) => {
          const operand = inputs[name];
          return [name, operand !== undefined && this.variables.has(operand) ? () => round(give()) : give];
        }),
      );
    };
  }

  private isNarrow(tensor: tf.Tensor): boolean {
    return this.narrow.has(tensor.dataId);
  }

  private mark(tensor: tf.Tensor): tf.Tensor {
    if (tensor.dtype === 'float32') this.narrow.add(tensor.dataId);
    return tensor;
  }

  private rounded(tensor: tf.Tensor): tf.Tensor {
    if (tensor.dtype !== 'float32' || this.isNarrow(tensor)) return tensor;
    return this.mark(this.within('off', () => roundTo(tensor, this.precision)));
  }

  private within<T>(mode: Mode, body: () => T): T {
    const before = this.mode;
    this.mode = mode;
    try {
      return body();
    } finally {
      this.mode = before;
    }
  }
}

function list(result: Result): tf.Tensor[] {
  return Array.isArray(result) ? result : [result];
}

function floats(inputs: Operands): tf.Tensor[] {
  return Object.values(inputs).filter(
    (tensor): tensor is tf.Tensor => tensor != null && tensor.dtype === 'float32',
  );
}

/** Keeps a list a list: kernels with any number of operands take one. */
function mapOperands(inputs: Operands, f: (tensor: tf.Tensor) => tf.Tensor): Operands {
  const entries = Object.entries(inputs).map(([name, tensor]) => [name, tensor == null ? tensor : f(tensor)]);
  const mapped = Object.fromEntries(entries) as Operands;
  return Array.isArray(inputs) ? (Object.values(mapped) as unknown as Operands) : mapped;
}

/** The tensors that the gradient of a kernel asks for, in its order. */
function stored(
  { inputsToSave = [], outputsToSave = [], saveAllInputs = false }: tf.GradConfig,
  operands: Operands,
  outputs: readonly tf.Tensor[],
): tf.Tensor[] {
  const inputs = saveAllInputs
    ? (Object.values(operands) as tf.Tensor[])
    : inputsToSave.map((name) => operands[name]!);
  return [...inputs, ...outputs.filter((_, i) => outputsToSave[i])];
}

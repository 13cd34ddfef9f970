/**
 * Watches which engine kernels consume given variables while a function runs, and at whose outputs gradients are to be seen.
 * It stands in front of the engine's `runKernel` and `customGrad`, the two doors of every op, and knows no layer type.
 */
import * as tf from '@tensorflow/tfjs-core';
import { withEngineDoors } from './engine-doors.js';

/** A kernel call as the engine got it. */
export interface KernelCall {
  readonly kernelName: string;
  readonly inputs: Readonly<Record<string, tf.Tensor | undefined>>;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly output: tf.Tensor;
}

/** A tensor with the elements of another one: of a variable, or of an observed output. */
export interface View<T> {
  readonly of: T;
  /** The last two axes (of a matrix, possibly with axes of length 1 before them) were exchanged. */
  readonly transposed: boolean;
  /** Elements are repeated along axes on which they stand alone: the shape before that. */
  readonly tiledFrom?: readonly number[];
}

/** What the trace asks about calls; every tensor it mentions lives until the traced function ends. */
export interface TraceListener {
  /**
   * A kernel took at least one view of a watched variable, and its output is the output of an op. True: observe the gradient
   * at that output.
   */
  use(call: KernelCall, trace: KernelTrace): boolean;
  /** A kernel inside an op with a gradient of its own, or such an op itself, took views of `variables`. */
  other(kernelName: string, variables: readonly tf.Variable[]): void;
}

type Engine = ReturnType<typeof tf.engine>;

/** Kernels that change the form of a tensor and nothing else. */
const FORM_KERNELS = new Set(['Identity', 'Reshape', 'ExpandDims', 'Cast', 'Transpose', 'Tile']);

/** Kernels of layers that tfjs-core, or this package, calls inside an op whose gradient is that of the kernel. */
const LAYER_KERNELS = new Set([
  '_FusedMatMul',
  'FusedConv2D',
  'FusedDepthwiseConv2D',
  'DepthwiseConv2dNative',
]);

export class KernelTrace {
  private readonly engine: Engine = tf.engine();
  private readonly views = new Map<number, View<tf.Variable>>();
  private readonly outputViews = new Map<number, View<number>>();
  /** How many ops read each observed output, or a view of it, other than to make a view. */
  private readonly reads: number[] = [];
  /** The observed outputs, in order. They may be disposed already, but stand for their places in the recorded graph. */
  readonly outputs: tf.Tensor[] = [];
  /** Calls inside the custom gradient that is being run, and what shows their outputs. */
  private inner: KernelCall[] = [];
  private readonly innerOutputs = new Map<number, View<KernelCall>>();
  private depth = 0;
  private inKernel = false;
  private running = false;

  /**
   * @param variables What is watched.
   * @param onGradient Is told the gradient at the output of the `index`-th observed call, whenever one is taken after `run`;
   * the tensor is the engine's.
   */
  constructor(
    variables: readonly tf.Variable[],
    private readonly listener: TraceListener,
    private readonly onGradient: (index: number, gradient: tf.Tensor) => void,
  ) {
    for (const variable of variables) this.views.set(variable.id, { of: variable, transposed: false });
  }

  /** Runs `body` under the trace. The engine's own doors are back afterwards, whatever happens. */
  run<T>(body: () => T): T {
    const { engine } = this;
    const [runKernel, customGrad] = [engine.runKernel.bind(engine), engine.customGrad.bind(engine)];
    const doors: Pick<Engine, 'runKernel' | 'customGrad'> = {
      runKernel: ((kernelName: string, inputs: tf.NamedTensorMap, attributes?: tf.NamedAttrMap) => {
        const isInner = this.inKernel;
        this.inKernel = true;
        let output: tf.Tensor | tf.Tensor[];
        try {
          output = runKernel(kernelName, inputs, attributes);
        } finally {
          this.inKernel = isInner;
        }
        if (!isInner) return this.kernel(kernelName, inputs, attributes, output, customGrad);
        // What a kernel is made of is its own affair, but for the copies that the engine saves for its gradient.
        if (kernelName === 'Identity') this.follow(kernelName, inputs, attributes, output as tf.Tensor);
        return output;
      }) as Engine['runKernel'],
      customGrad: (f) => {
        const op = customGrad(f);
        return ((...inputs: tf.Tensor[]) =>
          this.customOp(inputs, () => op(...inputs), customGrad)) as typeof op;
      },
    };
    this.running = true;
    try {
      return withEngineDoors(doors, body);
    } finally {
      this.running = false;
    }
  }

  /** The variable that `tensor` shows. */
  variable(tensor: tf.Tensor | undefined): View<tf.Variable> | undefined {
    return tensor && this.views.get(tensor.id);
  }

  /** The observed call whose output `tensor` shows. */
  observedOutput(tensor: tf.Tensor | undefined): View<number> | undefined {
    return tensor && this.outputViews.get(tensor.id);
  }

  /** How often the `index`-th observed output was read, views of it included. */
  readsOf(index: number): number {
    return this.reads[index]!;
  }

  /** `tensors` are read, unless it is to make the view `made`. */
  read(tensors: Readonly<Record<string, tf.Tensor | undefined>>, made?: tf.Tensor): void {
    if (this.observedOutput(made)) return;
    for (const tensor of Object.values(tensors)) {
      const view = this.observedOutput(tensor);
      if (view) this.reads[view.of]!++;
    }
  }

  private kernel(
    kernelName: string,
    inputs: tf.NamedTensorMap,
    attributes: tf.NamedAttrMap | undefined,
    output: tf.Tensor | tf.Tensor[],
    customGrad: Engine['customGrad'],
  ): tf.Tensor | tf.Tensor[] {
    // Off the tape: part of an op with a gradient of its own that was made before `run`, so nobody knows what its gradient is.
    const isHidden = this.depth === 0 && !this.engine.isTapeOn();
    if (isHidden || Array.isArray(output)) {
      this.read(inputs);
      this.listener.other(kernelName, this.watched(inputs));
      return output;
    }
    const isFollowed = FORM_KERNELS.has(kernelName) && this.follow(kernelName, inputs, attributes, output);
    // The inputs of an op with a gradient of its own are read once, by the op.
    if (this.depth === 0) this.read(inputs, output);
    if (isFollowed) return output;
    if (this.watched(inputs).length === 0) return output;
    const call: KernelCall = { kernelName, inputs, attributes: { ...attributes }, output };
    if (this.depth === 0) return this.offer(call, customGrad);
    this.inner.push(call);
    this.innerOutputs.set(output.id, { of: call, transposed: false });
    return output;
  }

  /** An op with a gradient of its own; a layer's kernel that makes its output counts as if it had been called alone. */
  private customOp(
    inputs: readonly tf.Tensor[],
    op: () => tf.Tensor,
    customGrad: Engine['customGrad'],
  ): tf.Tensor {
    if (this.depth > 0 || this.inKernel) return op();
    this.inner = [];
    this.innerOutputs.clear();
    this.depth++;
    let output: tf.Tensor;
    try {
      output = op();
    } finally {
      this.depth--;
    }
    const named = Object.fromEntries(inputs.map((input, i) => [String(i), input]));
    this.read(named);
    const calls = this.inner.splice(0);
    const shown = this.innerOutputs.get(output.id);
    const own = shown && !shown.transposed && LAYER_KERNELS.has(shown.of.kernelName) ? shown.of : undefined;
    for (const call of calls) {
      if (call !== own) this.listener.other(call.kernelName, this.watched(call.inputs));
    }
    if (own) return this.offer({ ...own, output }, customGrad);
    if (calls.length === 0 && this.watched(named).length > 0)
      this.listener.other('an op with a gradient of its own', this.watched(named));
    return output;
  }

  private watched(inputs: Readonly<Record<string, tf.Tensor | undefined>>): tf.Variable[] {
    return Object.values(inputs).flatMap((input) => this.variable(input)?.of ?? []);
  }

  private offer(call: KernelCall, customGrad: Engine['customGrad']): tf.Tensor {
    if (!this.listener.use(call, this)) return call.output;
    const index = this.outputs.length;
    this.depth++;
    try {
      const copy = customGrad((x: tf.Tensor | tf.GradSaveFunc) => ({
        value: tf.clone(x as tf.Tensor),
        gradFunc: (gradient: tf.Tensor) => {
          if (!this.running) this.onGradient(index, gradient);
          return gradient;
        },
      }))(call.output);
      this.outputs.push(copy);
      this.reads.push(0);
      this.outputViews.set(copy.id, { of: index, transposed: false });
      return copy;
    } finally {
      this.depth--;
    }
  }

  /** Passes views on through a kernel that changes form alone; false when it does more than that. */
  private follow(
    kernelName: string,
    inputs: tf.NamedTensorMap,
    attributes: tf.NamedAttrMap | undefined,
    output: tf.Tensor,
  ): boolean {
    const input = inputs['x'] ?? inputs['input'];
    if (input === undefined) return false;
    if (kernelName === 'Cast' && output.dtype !== input.dtype) return false;
    if (kernelName === 'Tile') return this.followTile(input, attributes?.['reps'] as number[], output);
    const exchange =
      kernelName === 'Transpose' ? exchanges(input.shape, attributes?.['perm'] as number[]) : 'nothing';
    if (exchange === undefined) return false;
    // An op with a gradient of its own makes no view of an output: what comes back to it is not what comes back to the output.
    const ofOutputs = this.depth === 0 ? this.outputViews : this.innerOutputs;
    for (const map of [this.views, ofOutputs] as Map<number, View<never>>[]) {
      const view = map.get(input.id);
      if (view === undefined) continue;
      const isPlain = !view.transposed && view.tiledFrom === undefined;
      if (!isPlain && !keepsLongAxes(input.shape, output.shape) && exchange === 'nothing') return false;
      if (view.tiledFrom !== undefined && exchange === 'last two') return false;
      map.set(output.id, { ...view, transposed: view.transposed !== (exchange === 'last two') });
    }
    return true;
  }

  private followTile(input: tf.Tensor, repetitions: readonly number[], output: tf.Tensor): boolean {
    const view = this.views.get(input.id);
    if (view === undefined) return true;
    if (view.transposed || input.shape.some((extent, axis) => extent !== 1 && repetitions[axis] !== 1))
      return false;
    this.views.set(output.id, { ...view, tiledFrom: view.tiledFrom ?? input.shape });
    return true;
  }
}

/** What a permutation does to the axes longer than 1. */
function exchanges(
  shape: readonly number[],
  permutation: readonly number[],
): 'nothing' | 'last two' | undefined {
  const moved = permutation.filter((axis) => shape[axis] !== 1);
  if (moved.every((axis, i) => i === 0 || axis > moved[i - 1]!)) return 'nothing';
  return moved.length === 2 ? 'last two' : undefined;
}

function keepsLongAxes(before: readonly number[], after: readonly number[]): boolean {
  const long = (shape: readonly number[]): string => shape.filter((extent) => extent !== 1).join();
  return long(before) === long(after);
}

/** What a benchmark measures on an engine: training steps of a network, or one piece of them; as plain data, so that it can cross a process boundary. */
import type { KernelComparison } from '@apo/backend-webgpu';
import type { Preset } from '@apo/core';
import type { BaselineName } from '../optimizers/names.js';
import type { BenchModelName, BenchScale } from './models.js';

/**
 * `stock-wasm` is tfjs-backend-wasm as published, trained by tfjs's own optimizers: what a program has without this project.
 * `recomposed-wasm` has the kernels of @apo/backend-wasm that are put together from published ones, without its own SIMD code.
 * `stock-webgpu` is the program of `webgpu` on the same device, with the kernels of tfjs-backend-webgpu as published.
 */
export const benchEngineNames = [
  'stock-wasm',
  'recomposed-wasm',
  'wasm',
  'node',
  'stock-webgpu',
  'webgpu',
  'cuda',
  'cpu',
] as const;
export type BenchEngineName = (typeof benchEngineNames)[number];

/** Engines of one device, whatever number of threads is asked for. */
export function isDeviceEngine(name: BenchEngineName): boolean {
  return name === 'webgpu' || name === 'stock-webgpu' || name === 'cuda';
}

export const benchRules = ['momentum', 'adam'] as const;
export type BenchRule = (typeof benchRules)[number];

/** Forms of the preconditioner of @apo/precond; the first has rank 16. */
export const benchForms = ['low-rank', 'low-rank-32', 'full', 'block', 'diagonal'] as const;
export type BenchForm = (typeof benchForms)[number];

/** Training steps: forward, backward, update. */
export interface StepSubject {
  readonly model: BenchModelName;
  readonly rule: BenchRule | BenchForm;
  /** Absent for a base step at a fixed rate. */
  readonly meta?: { readonly preset: Preset; readonly interval: number };
  /** Of the network; default `full`. */
  readonly scale?: BenchScale;
}

/** op(A)·op(B) with a result of `[rows, columns]` and a sum of `inner` terms each. */
export interface ProductSubject {
  readonly product: readonly [rows: number, inner: number, columns: number];
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** The update of a network's variables, its gradients given. */
export interface UpdateSubject {
  readonly update: BenchModelName;
  readonly rule: BenchRule;
  readonly scale?: BenchScale;
}

/** Steps of an optimizer of @apo/baselines, as `apo run` sets it. */
export interface BaselineSubject {
  readonly baseline: BenchModelName;
  readonly method: BaselineName;
  /** False: its matrices are inverted (decomposed, rooted) at the first step only. */
  readonly inverses: boolean;
  readonly scale?: BenchScale;
}

export type Subject = StepSubject | ProductSubject | UpdateSubject | BaselineSubject;

/** One measurement of some steps in a row. */
export interface Measurement {
  readonly steps: number;
  readonly seconds: number;
}

/** What a step asks of a WebGPU device, as a mean over some steps. */
export interface StepCounts {
  readonly dispatches: number;
  /** Sizes of the storage buffers that are bound to the dispatches, each time: what they read and write, at most. */
  readonly boundBytes: number;
  /** Copied from buffer to buffer: values that are uploaded or read back, and copies of tensors. */
  readonly copiedBytes: number;
  /** Buffers mapped for reading. */
  readonly readBacks: number;
  /** Bytes of all buffers that the backend holds after the steps, not a mean. */
  readonly heldBytes: number;
}

/** Something that measures subjects. */
export interface SubjectMeter {
  /** Runs untimed steps until the subject is in its steady state. Rejects with the reason when the engine cannot train it. */
  prepare(subject: Subject): Promise<void>;
  /** Times a prepared subject: at least `minimum.steps`, in whole multiples of them until `minimum.seconds` have passed. */
  measure(
    subject: Subject,
    minimum: { readonly steps: number; readonly seconds: number },
  ): Promise<Measurement>;
  /** Counts over `steps` of a prepared subject; absent where nothing can be counted. */
  count?(subject: Subject, steps: number): Promise<StepCounts | undefined>;
  /** Our kernels against published ones and plain operators, by timestamps of the device; absent where there is nothing to compare. */
  compareKernels?(options: KernelOptions): Promise<readonly KernelComparison[] | undefined>;
  dispose(): Promise<void>;
}

export interface KernelOptions {
  readonly scale: BenchScale;
  readonly rounds: number;
}

/** The GPU of an engine. */
export interface DeviceFacts {
  readonly name: string;
  /** A renderer that computes on the CPU. */
  readonly software: boolean;
}

/** On one engine. */
export interface Meter extends SubjectMeter {
  readonly engine: BenchEngineName;
  readonly device?: DeviceFacts | undefined;
  /** Ends what it is doing, and itself. */
  kill?(): Promise<void>;
}

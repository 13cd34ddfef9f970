/**
 * What the fused optimizer updates of @apo/core share: tensors by role, outputs in order, work split over threads. Each update
 * has two forms, a function of our module, and a loop that says what it computes, for engines without SIMD and for tensors
 * shorter than a vector.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { EngineKernelName, UpdateKernelAttributes } from '@apo/core';
import { allocate, floats, sizeOf } from './heap.js';
import { defineKernel } from './kernel.js';
import type { TrainingKernel } from './kernel.js';
import { nativeFunctions } from './native/module.js';
import { pointerTo } from './native/pointers.js';
import { parallelFor, splitRange } from './threads/parallel.js';
import type { Job } from './threads/pool.js';

/** What the update of one tensor reads and writes: addresses, or views of the values. `undefined` where a tensor is not wanted. */
export interface UpdateOperands<T> {
  readonly gradient: T;
  /** In the order of the kernel's slots. */
  readonly slots: readonly T[];
  readonly newSlots: readonly T[];
  readonly variable: T | undefined;
  /** θ′ where the step is wanted, d where the direction is. */
  readonly output: T | undefined;
}

export interface UpdateDefinition<Attributes extends UpdateKernelAttributes> {
  readonly kernelName: EngineKernelName;
  /** What an element costs, to the order of magnitude: it decides from which size on threads help. */
  readonly nanoseconds: number;
  slots(attrs: Attributes): readonly string[];
  /** The job on `n` ≥ 4 floats; `rate` is η where the step is wanted. */
  native(operands: UpdateOperands<number>, n: number, attrs: Attributes, rate: number): Job;
  loop(operands: UpdateOperands<Float32Array>, attrs: Attributes, rate: number): void;
}

/** Below this many elements there is no whole vector. */
export const VECTOR = 4;

type Inputs = Readonly<Record<string, tf.TensorInfo | undefined>>;

/** The kernel of an update, for the registry. */
export function updateKernel<Attributes extends UpdateKernelAttributes>(
  definition: UpdateDefinition<Attributes>,
): TrainingKernel {
  return defineKernel<Inputs, Attributes>(definition.kernelName, ({ inputs, attrs, backend }) => {
    const { count, output, places } = attrs;
    const slots = definition.slots(attrs);
    const stepping = output === 'variables';
    const rates = stepping ? Array.from(floats(backend, inputs['rates']!)) : [];
    const updates = Array.from({ length: count }, (_, i): UpdateOperands<tf.TensorInfo> => {
      const gradient = inputs[`gradient${i}`]!;
      const fresh = (): tf.TensorInfo => allocate(backend, gradient.shape);
      return {
        gradient,
        slots: slots.map((slot) => inputs[`${slot}${i}`]!),
        newSlots: slots.map(fresh),
        variable: inputs[`variable${i}`],
        output: output === 'none' ? undefined : fresh(),
      };
    });
    const native = nativeFunctions(backend) !== undefined;
    const jobs: Job[] = [];
    updates.forEach((update, i) => {
      const size = sizeOf(update.gradient.shape);
      const rate = stepping ? rates[places[i]!]! : 0;
      if (!native || size < VECTOR) {
        definition.loop(
          mapOperands(update, (tensor) => floats(backend, tensor)),
          attrs,
          rate,
        );
        return;
      }
      const addresses = mapOperands(update, (tensor) => pointerTo(backend, tensor));
      for (const { start, end } of splitRange(backend, size, splitting(definition.nanoseconds))) {
        const part = mapOperands(addresses, (address) => address + 4 * start);
        jobs.push(definition.native(part, end - start, attrs, rate));
      }
    });
    parallelFor(backend, jobs);
    const outputs = [
      ...slots.flatMap((_, slot) => updates.map(({ newSlots }) => newSlots[slot]!)),
      ...updates.flatMap((update) => update.output ?? []),
    ];
    return outputs;
  });
}

/** How to split element-wise work that costs so much per element: a part is worth 20 µs. */
export function splitting(nanoseconds: number): { grain: number; multiple: number } {
  return { grain: 20_000 / nanoseconds, multiple: 16 };
}

function mapOperands<From, To>(
  { gradient, slots, newSlots, variable, output }: UpdateOperands<From>,
  f: (operand: From) => To,
): UpdateOperands<To> {
  return {
    gradient: f(gradient),
    slots: slots.map(f),
    newSlots: newSlots.map(f),
    variable: variable === undefined ? undefined : f(variable),
    output: output === undefined ? undefined : f(output),
  };
}

/** The address of an operand that may be absent, as the module takes it. */
export function addressOf(operand: number | undefined): number {
  return operand ?? 0;
}

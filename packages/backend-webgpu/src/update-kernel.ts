/**
 * What the fused optimizer updates of @apo/core share: tensors by role, outputs in order, and as many variables in one dispatch as
 * the device's number of storage buffers allows. An update says in WGSL what happens to one element.
 */
import type { EngineKernelName, UpdateKernelAttributes } from '@apo/core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type * as tf from '@tensorflow/tfjs-core';
import { allocate, bufferLimit, compute, sizeOf, WORKGROUP } from './compute.js';
import type { Shader, Field } from './compute.js';
import { defineKernel } from './kernel.js';
import type { TrainingKernel } from './kernel.js';

export interface UpdateDefinition<Attributes extends UpdateKernelAttributes> {
  readonly kernelName: EngineKernelName;
  slots(attrs: Attributes): readonly string[];
  /** Numbers that the code reads as `uniforms.<name>`; their names must depend on nothing but `variant`. */
  numbers(attrs: Attributes): Readonly<Record<string, number>>;
  /** Names the form of the code: attributes that are more than numbers. Default ''. */
  variant?(attrs: Attributes): string;
  /** The direction reads θ, which must then be there. Default false. */
  readsVariable?(attrs: Attributes): boolean;
  /**
   * WGSL for one element: from the gradient `g`, the slots by name and, where it reads it, θ as `theta`, sets the variables `new_<slot>`
   * and `d`.
   */
  code(attrs: Attributes): string;
}

type Inputs = Readonly<Record<string, tf.TensorInfo | undefined>>;

/** Buffers of one variable: what is read and what is written, by name. */
interface Buffers {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** A longer shader gains nothing. */
const MOST_VARIABLES = 8;

/**
 * The kernel of an update, for the registry. It gives no tensor, so that plain ops run, where the device has too few storage buffers for one
 * variable or a variable has no element.
 */
export function updateKernel<Attributes extends UpdateKernelAttributes>(
  definition: UpdateDefinition<Attributes>,
): TrainingKernel {
  return defineKernel<Inputs, Attributes>(definition.kernelName, ({ inputs, attrs, backend }) => {
    const { count, output, places } = attrs;
    const slots = definition.slots(attrs);
    const stepping = output === 'variables';
    const readsVariable = stepping || (definition.readsVariable?.(attrs) ?? false);
    const buffers: Buffers = {
      inputs: ['gradient', ...slots, ...(readsVariable && output !== 'none' ? ['variable'] : [])],
      outputs: [...slots.map((slot) => `new_${slot}`), ...(output === 'none' ? [] : ['result'])],
    };
    const perVariable = buffers.inputs.length + buffers.outputs.length;
    const capacity = Math.min(
      MOST_VARIABLES,
      Math.floor((bufferLimit(backend) - (stepping ? 1 : 0)) / perVariable),
    );
    const variables = Array.from({ length: count }, (_, i) => ({
      given: buffers.inputs.map((role) => inputs[`${role}${i}`]!),
      place: places[i] ?? 0,
    }));
    if (capacity < 1 || variables.some(({ given }) => sizeOf(given[0]!) === 0)) return [];
    const updates = variables.map(({ given, place }) => ({
      given,
      place,
      made: buffers.outputs.map(() => allocate(backend, given[0]!.shape)),
    }));
    for (let i = 0; i < count; i += capacity) {
      const part = updates.slice(i, i + capacity);
      enqueue(backend, definition, attrs, buffers, part, stepping ? inputs['rates'] : undefined);
    }
    return buffers.outputs.flatMap((_, role) => updates.map(({ made }) => made[role]!));
  });
}

interface Update {
  readonly given: readonly tf.TensorInfo[];
  readonly made: readonly tf.TensorInfo[];
  readonly place: number;
}

function enqueue<Attributes extends UpdateKernelAttributes>(
  backend: WebGPUBackend,
  definition: UpdateDefinition<Attributes>,
  attrs: Attributes,
  buffers: Buffers,
  updates: readonly Update[],
  rates: tf.TensorInfo | undefined,
): void {
  const numbers = definition.numbers(attrs);
  const numbered = (names: readonly string[]): string[] =>
    updates.flatMap((_, i) => names.map((name) => `${name}${i}`));
  let end = 0;
  const ends = updates.map(({ given }) => (end += Math.ceil(sizeOf(given[0]!) / WORKGROUP)));
  const shader: Shader = {
    key: [definition.kernelName, definition.variant?.(attrs) ?? '', attrs.output, updates.length].join('_'),
    outputs: numbered(buffers.outputs),
    inputs: [...numbered(buffers.inputs), ...(rates ? ['rates'] : [])],
    uniforms: [
      ...Object.keys(numbers).map((name): Field => ({ name, type: 'f32' })),
      ...updates.map((_, i): Field => ({ name: `end${i}`, type: 'i32' })),
      ...(rates ? updates.map((_, i): Field => ({ name: `place${i}`, type: 'i32' })) : []),
    ],
    code: () => ({ body: updates.map((_, i) => oneVariable(definition, attrs, buffers, i)).join('\n') }),
  };
  compute(backend, shader, {
    outputs: updates.flatMap(({ made }) => made),
    inputs: [...updates.flatMap(({ given }) => given), ...(rates ? [rates] : [])],
    uniforms: [...Object.values(numbers), ...ends, ...(rates ? updates.map(({ place }) => place) : [])],
    workgroups: end,
  });
}

/** The tiles of variable i are those from `end` of the one before it to its own. */
function oneVariable<Attributes extends UpdateKernelAttributes>(
  definition: UpdateDefinition<Attributes>,
  attrs: Attributes,
  { inputs, outputs }: Buffers,
  i: number,
): string {
  const start = i === 0 ? '0u' : `u32(uniforms.end${i - 1})`;
  const stepping = attrs.output === 'variables';
  const names: Readonly<Record<string, string>> = { gradient: 'g', variable: 'theta' };
  const element = stepping ? `theta - rates[uniforms.place${i}] * d` : 'd';
  return `
  if (tile >= ${start} && tile < u32(uniforms.end${i})) {
    let at = (tile - ${start}) * ${WORKGROUP}u + local;
    if (at < arrayLength(&gradient${i})) {
      ${inputs.map((role) => `let ${names[role] ?? role} = ${role}${i}[at];`).join('\n      ')}
      ${definition.code(attrs)}
      ${outputs.map((role) => `${role}${i}[at] = ${role === 'result' ? element : role};`).join('\n      ')}
    }
  }`;
}

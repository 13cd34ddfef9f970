/** Gives a base direction the engine's kernel for it, where there is one: its direction and its whole step in one pass over each tensor. */
import type { BaseDirection, UpdateRates } from './base-direction.js';
import { runEngineKernel } from './engine-kernels.js';
import type { EngineKernelName } from './engine-kernels.js';
import type { DirectionInput, RuleState, TensorMap } from './update-rule.js';

export interface DirectionKernel {
  readonly kernelName: EngineKernelName;
  /** The numbers of the method at step t ≥ 1. */
  attributes(step: number): Readonly<Record<string, number | boolean>>;
  /** The slot whose new value is the direction, if there is one. */
  readonly directionSlot?: string;
  /** The direction depends on the variables. Default false. */
  readonly needsVariables?: boolean;
}

/** The same direction, computed by the engine's kernel where it can be and by `plain` elsewhere; equal within rounding. */
export function withKernel(plain: BaseDirection, kernel: DirectionKernel): BaseDirection {
  const { directionSlot } = kernel;
  return {
    ...plain,
    direction(input) {
      const outputs = run(plain, kernel, input, directionSlot === undefined ? 'direction' : 'none');
      if (outputs === undefined) return plain.direction(input);
      const { state, last } = outputs;
      return { state, direction: directionSlot === undefined ? last : state[directionSlot]! };
    },
    update(input, rates) {
      const outputs = run(plain, kernel, input, 'variables', rates);
      return outputs && { state: outputs.state, variables: outputs.last };
    },
  };
}

/** The new state, and the last of the kernel's outputs by name. */
function run(
  { slots }: BaseDirection,
  kernel: DirectionKernel,
  { gradients, variables, state, step }: DirectionInput,
  output: 'variables' | 'direction' | 'none',
  rates?: UpdateRates,
): { state: RuleState; last: TensorMap } | undefined {
  const names = Object.keys(gradients);
  const withVariables = output === 'variables' || (kernel.needsVariables ?? false);
  const outputs = runEngineKernel(kernel.kernelName, {
    roles: {
      gradient: gradients,
      ...Object.fromEntries(slots.map((slot) => [slot, state[slot]!])),
      ...(withVariables && { variable: variables }),
    },
    ...(rates && { single: { rates: rates.values } }),
    attributes: {
      ...kernel.attributes(step),
      output,
      places: rates ? names.map((name) => rates.place(name)) : [],
    },
  });
  if (outputs === undefined) return undefined;
  const group = (index: number): TensorMap =>
    Object.fromEntries(names.map((name, i) => [name, outputs[index * names.length + i]!]));
  return {
    state: Object.fromEntries(slots.map((slot, index) => [slot, group(index)])),
    last: output === 'none' ? {} : group(slots.length),
  };
}

/**
 * What steps of a preconditioned dense network cost in floating-point operations, counted and not measured: the products of
 * the network and those of P. It holds for networks of dense layers only.
 */
import type { Preset } from '@apo/core';
import { partition } from '@apo/precond';
import type { NamedShape } from '@apo/precond';
import { formOptions } from './precond-forms.js';
import type { BenchForm } from './subject.js';

/** Operations of each piece that steps and meta-steps are made of. */
export interface StepFlops {
  /** F: the network on one batch. */
  readonly forward: number;
  /** Forward and backward on one batch. */
  readonly pass: number;
  /** P g. */
  readonly apply: number;
  /** The vector–Jacobian product of P. */
  readonly gradient: number;
  /** ⟨∇J, θ − θ′⟩: a subtraction, a multiplication and an addition for each parameter. */
  readonly inner: number;
}

/**
 * With N examples and kernels `[m, n]`: forward 2·N·Σmn; backward the same for the gradients of the kernels and again for those
 * of the layers' inputs, which the first layer does not need. P with the batch rotation, where it takes part.
 * @param variables Kernels `[in, out]` in the order of the layers, and biases.
 */
export function stepFlops(variables: readonly NamedShape[], batchSize: number, form?: BenchForm): StepFlops {
  const sizes = variables.flatMap(({ shape: [m, n] }) => (n === undefined ? [] : [m! * n]));
  const forward = 2 * batchSize * sizes.reduce((sum, size) => sum + size, 0);
  const pass = 3 * forward - 2 * batchSize * (sizes[0] ?? 0);
  const rows = form === undefined ? [] : partition(variables, formOptions[form], batchSize);
  const sum = (of: (row: (typeof rows)[number]) => number): number =>
    rows.reduce((total, row) => total + of(row), 0);
  return {
    forward,
    pass,
    apply: sum(({ flops }) => flops),
    gradient: sum(({ gradientFlops }) => gradientFlops),
    inner: sum(({ shape: [m, n] }) => 3 * m * n),
  };
}

/** Operations of a base step over those of a step without P; momentum itself has none to speak of. */
export function baseRatio({ pass, apply }: StepFlops): number {
  return (pass + apply) / pass;
}

/**
 * Operations of a step with a meta-step every `interval` steps over those of a base step. A meta-step has the old prediction
 * on B′, a pass on each of B and B′ at θ′, P once for θ′, and the vector–Jacobian product. Under `auto` it has P and the
 * predictions on B and B′ once more for the trial of the new φ, and ⟨∇J, θ − θ′⟩ for the decrease that the step promises.
 */
export function metaLimit(flops: StepFlops, preset: Preset, interval: number): number {
  const { forward, pass, apply, gradient, inner } = flops;
  const safeguards = preset === 'auto' ? apply + 2 * forward + inner : 0;
  return 1 + (forward + 2 * pass + apply + gradient + safeguards) / (interval * (pass + apply));
}

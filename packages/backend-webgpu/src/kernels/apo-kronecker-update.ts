/**
 * ApoKroneckerUpdate: θ − η P g, or P g, for one block with whole matrices A and B, in at most four products: G A, T = S⊙S ⊙ (BᵀGA), B T, and the step with B T Aᵀ.
 * See `KroneckerKernelAttributes` of @apo/core.
 */
import type { KroneckerKernelAttributes } from '@apo/core';
import { allocate, bufferLimit, sizeOf } from '../compute.js';
import { defineKernel } from '../kernel.js';
import { pack, roleOf, shared, stepOf, withTemporaries } from '../preconditioner/block.js';
import type { BlockInputs } from '../preconditioner/block.js';
import { multiply } from '../product/product.js';
import type { Phase } from '../product/product.js';

/** The last product reads two factors, θ, η and the decay, and writes θ′; θ and θ′ may be in two parts. */
function buffersOfStep(parts: number, decays: boolean): number {
  return 3 + 2 * parts + (decays ? 1 : 0);
}

export const apoKroneckerUpdate = defineKernel<BlockInputs, KroneckerKernelAttributes>(
  'ApoKroneckerUpdate',
  ({ inputs, attrs: { count, place }, backend }) => {
    const { scale, columns, rows, rates, decay } = inputs;
    const declines = sizeOf(scale!) === 0 || (columns === undefined && rows === undefined);
    if (declines || buffersOfStep(count, decay !== undefined) > bufferLimit(backend)) return [];
    const [m, n] = scale!.shape as [number, number];
    const gradients = roleOf(inputs, 'gradient', count);
    const outputs = gradients.map(({ shape }) => allocate(backend, shape));
    const variables = inputs['variable0'] && roleOf(inputs, 'variable', count);
    const shape = [1, m, n] as const;
    /** X A or X Aᵀ, and Bᵀ X or B X. */
    const onColumns = (transposed: boolean): Phase => ({
      inner: n,
      pairs: [[shared('x', n), shared('columns', n, transposed)]],
    });
    const onRows = (transposed: boolean): Phase => ({
      inner: m,
      pairs: [[shared('rows', m, transposed), shared('x', n)]],
    });
    withTemporaries(backend, (temporary) => {
      const g = gradients.length === 1 ? gradients[0]! : temporary(m * n);
      if (gradients.length > 1) pack(backend, g, gradients);
      const t = temporary(m * n);
      const between = columns && rows && temporary(m * n);
      const plain = { key: 'plain', shape, finish: 'result[at] = sum0;' };
      if (between) {
        const outputsOf = { result: between };
        multiply(backend, {
          ...plain,
          phases: [onColumns(false)],
          inputs: { x: g, columns },
          outputs: outputsOf,
        });
      }
      multiply(backend, {
        key: 'scaled whole',
        shape,
        phases: [rows ? onRows(true) : onColumns(false)],
        inputs: { x: between ?? g, ...(rows ? { rows } : { columns: columns! }), scale: scale! },
        outputs: { result: t },
        finish: 'let s = get_scale(at); result[at] = s * s * sum0;',
      });
      if (between) {
        multiply(backend, {
          ...plain,
          phases: [onRows(false)],
          inputs: { x: t, rows },
          outputs: { result: between },
        });
      }
      const step = stepOf(outputs, n, 'sum0', variables && { variables, rates: rates!, place, decay });
      multiply(backend, {
        ...step,
        shape,
        phases: [columns ? onColumns(true) : onRows(false)],
        inputs: { x: between ?? t, ...(columns ? { columns } : { rows: rows! }), ...step.inputs },
      });
    });
    return outputs;
  },
);

import { partition } from '@apo/precond';
import { describe, expect, it } from 'vitest';
import { formOptions } from './precond-forms.js';
import { baseRatio, metaLimit, stepFlops } from './precond-flops.js';

/** A network 6-4-3: kernels of 24 and 12 numbers. */
const small = [
  { name: 'a/kernel', shape: [6, 4] },
  { name: 'a/bias', shape: [4] },
  { name: 'b/kernel', shape: [4, 3] },
  { name: 'b/bias', shape: [3] },
];

describe('stepFlops', () => {
  it('counts three products a layer, but two in the first', () => {
    // Batch 10: 2·10·(24 + 12) forward; 3·720 less the 2·10·24 of the inputs' gradient.
    expect(stepFlops(small, 10)).toEqual({ forward: 720, pass: 1680, apply: 0, gradient: 0, inner: 0 });
  });

  it('adds what P costs', () => {
    // Matrices of 7×4 and 5×3 with the bias: S⊙S⊙G is 2 operations an element of 43, its gradient 8 (with no factors to
    // multiply by), and ⟨∇J, θ − θ′⟩ 3.
    expect(stepFlops(small, 10, 'diagonal')).toMatchObject({ apply: 86, gradient: 344, inner: 129 });
  });

  it('is 1.51 times a step without P at rank 16 and 9.6 in the full form on the MLP', () => {
    const mlp = [784, 1000, 1000, 10].flatMap((size, i, sizes) =>
      i === 0
        ? []
        : [
            { name: `dense${i}/kernel`, shape: [sizes[i - 1]!, size] },
            { name: `dense${i}/bias`, shape: [size] },
          ],
    );
    // 6·100·1,794,000 − 2·100·784,000 = 919.6 M. The full form: U takes 2·m·n·(m + n), 2,802 M and 4,006 M in the first layers, and
    // R over the batch 2·100·(m² + n² + m·n), 480 M and 601 M; the last layer takes 4·m·n·(m + n), 40 M.
    const full = stepFlops(mlp, 100, 'full');
    expect(full.pass).toBe(919_600_000);
    expect(baseRatio(full)).toBeCloseTo(1 + (2802.45 + 480.245 + 4006 + 600.6 + 40.48 + 3.6) / 919.6, 2);
    // 16·16·m·n is 201 M and 256 M, 4·16²·(m + n) 1.8 M and 2.0 M; the last layer has rank 16 on 1,001 rows (8·16·m·n = 1.3 M), a whole matrix on 10.
    expect(baseRatio(stepFlops(mlp, 100, 'low-rank'))).toBeCloseTo(
      1 + (200.96 + 256.26 + 1.83 + 2.05 + 1.68 + 3.6) / 919.6,
      3,
    );
  });
});

describe('metaLimit', () => {
  it('adds passes, products of P and, under auto, those of its safeguards', () => {
    const flops = { forward: 100, pass: 300, apply: 60, gradient: 150, inner: 61 };
    // paper: (100 + 600 + 60 + 150) / 3600; auto: 60 + 200 + 61 more.
    expect(metaLimit(flops, 'paper', 10)).toBeCloseTo(1 + 910 / 3600, 12);
    expect(metaLimit(flops, 'auto', 10)).toBeCloseTo(1 + 1231 / 3600, 12);
  });

  it('is that of a plain learning rate where P costs nothing', () => {
    const free = { forward: 1, pass: 3, apply: 0, gradient: 0, inner: 0 };
    // 7 forward passes for the meta-step of the paper and 9 with rejection, over 3 K.
    expect(metaLimit(free, 'paper', 10)).toBeCloseTo(1 + 7 / 30, 12);
    expect(metaLimit(free, 'auto', 10)).toBeCloseTo(1 + 9 / 30, 12);
  });
});

it('every form of the benchmark is a partition of its network', () => {
  for (const options of Object.values(formOptions)) expect(partition(small, options)).toHaveLength(2);
});

/** Directional derivatives by a four-point central difference: error O(ε⁴) where two points give O(ε²), which is what float32 can resolve. */
import * as tf from '@tensorflow/tfjs-core';

/** Offsets and weights of f′(0) ≈ Σ w f(o ε) / ε. */
const STENCIL = [
  [-2, 1 / 12],
  [-1, -2 / 3],
  [1, 2 / 3],
  [2, -1 / 12],
] as const;

/** ε‖v‖ relative to 1 + ‖x‖: the balance of ε⁴ truncation and 6·10⁻⁸/ε rounding. */
const RELATIVE_STEP = 0.01;

/** ε for a move along a vector of norm `tangentNorm` from a point of norm `pointNorm`; 0 for a zero vector. */
export function differenceStep(pointNorm: number, tangentNorm: number): number {
  return tangentNorm === 0 ? 0 : (RELATIVE_STEP * (1 + pointNorm)) / tangentNorm;
}

/** d/dε f(x + ε v) at 0 as a list of tensors, given f at a signed offset ε. The caller owns the result. */
export function directionalDifference(at: (offset: number) => tf.Tensor[], step: number): tf.Tensor[] {
  return tf.tidy(() => {
    const terms = STENCIL.map(([offset, weight]) =>
      at(offset * step).map((value) => tf.mul(value, weight / step)),
    );
    return terms[0]!.map((_, i) => tf.addN(terms.map((term) => term[i]!)));
  });
}

/** Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019) in one pass over a tensor. */
import { multiplyAdd } from './multiply-add';

/**
 * m′ = β₁ m + (1 − β₁) g, s′ = β₂ s + (1 − β₂) g² and d = m′ / (ρ √s′ + ε) + w θ over n ≥ 4 floats; bias correction is folded
 * into ρ and ε. `output` gets θ − η d with `stepping`, else d; `variable` is 0 where neither the step nor the decay w needs θ.
 * The last block of four overlaps the one before, so the results must not lie where the operands do.
 */
export function adam(
  gradient: usize,
  firstMoment: usize,
  secondMoment: usize,
  newFirstMoment: usize,
  newSecondMoment: usize,
  variable: usize,
  output: usize,
  n: i32,
  beta1: f32,
  rest1: f32,
  beta2: f32,
  rest2: f32,
  rootScale: f32,
  epsilon: f32,
  weightDecay: f32,
  stepping: bool,
  rate: f32,
): void {
  const keep1 = f32x4.splat(beta1);
  const take1 = f32x4.splat(rest1);
  const keep2 = f32x4.splat(beta2);
  const take2 = f32x4.splat(rest2);
  const scale = f32x4.splat(rootScale);
  const offset = f32x4.splat(epsilon);
  const decay = f32x4.splat(weightDecay);
  const step = f32x4.splat(-rate);
  const bytes = (<usize>n) << 2;
  for (let i: usize = 0; i < bytes; i += 16) {
    const at = min(i, bytes - 16);
    const g = v128.load(gradient + at);
    const m = multiplyAdd(keep1, v128.load(firstMoment + at), f32x4.mul(take1, g));
    const s = multiplyAdd(keep2, v128.load(secondMoment + at), f32x4.mul(take2, f32x4.mul(g, g)));
    v128.store(newFirstMoment + at, m);
    v128.store(newSecondMoment + at, s);
    let d = f32x4.div(m, multiplyAdd(scale, f32x4.sqrt(s), offset));
    if (weightDecay != 0) d = multiplyAdd(decay, v128.load(variable + at), d);
    v128.store(output + at, stepping ? multiplyAdd(step, d, v128.load(variable + at)) : d);
  }
}

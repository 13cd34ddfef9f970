/** RMSprop (Tieleman & Hinton 2012) in one pass over a tensor; centred and with momentum where those tensors are given. */
import { multiplyAdd } from './multiply-add';

/**
 * s′ = α s + (1 − α) g², a′ = α a + (1 − α) g, d = g / (√(c s′ − (c a′)²) + ε) with the correction c, v′ = μ v + d, over n ≥ 4
 * floats. `output` gets θ − η v′ where `variable` is given, else v′ (d where there is no `velocity`). 0 stands for a tensor that
 * is not wanted: without `mean` it is not centred. The last block of four overlaps the one before, so the results must not lie
 * where the operands do.
 */
export function rmsprop(
  gradient: usize,
  meanSquare: usize,
  mean: usize,
  velocity: usize,
  newMeanSquare: usize,
  newMean: usize,
  newVelocity: usize,
  variable: usize,
  output: usize,
  n: i32,
  decay: f32,
  rest: f32,
  correction: f32,
  epsilon: f32,
  mu: f32,
  rate: f32,
): void {
  const keep = f32x4.splat(decay);
  const take = f32x4.splat(rest);
  const scale = f32x4.splat(correction);
  const offset = f32x4.splat(epsilon);
  const inertia = f32x4.splat(mu);
  const step = f32x4.splat(-rate);
  const bytes = (<usize>n) << 2;
  for (let i: usize = 0; i < bytes; i += 16) {
    const at = min(i, bytes - 16);
    const g = v128.load(gradient + at);
    const s = multiplyAdd(keep, v128.load(meanSquare + at), f32x4.mul(take, f32x4.mul(g, g)));
    v128.store(newMeanSquare + at, s);
    let spread = f32x4.mul(scale, s);
    if (mean != 0) {
      const a = multiplyAdd(keep, v128.load(mean + at), f32x4.mul(take, g));
      v128.store(newMean + at, a);
      const corrected = f32x4.mul(scale, a);
      spread = f32x4.max(f32x4.sub(spread, f32x4.mul(corrected, corrected)), f32x4.splat(0));
    }
    let d = f32x4.div(g, f32x4.add(f32x4.sqrt(spread), offset));
    if (velocity != 0) {
      d = multiplyAdd(inertia, v128.load(velocity + at), d);
      v128.store(newVelocity + at, d);
    }
    if (output == 0) continue;
    v128.store(output + at, variable == 0 ? d : multiplyAdd(step, d, v128.load(variable + at)));
  }
}

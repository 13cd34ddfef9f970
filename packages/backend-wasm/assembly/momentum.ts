/** Heavy-ball and Nesterov momentum (Polyak 1964; Sutskever et al. 2013) in one pass over a tensor. */
import { multiplyAdd } from './multiply-add';

/**
 * m′ = μ m + g, and with it d = m′ (or g + μ m′ with `nesterov`), over n ≥ 4 floats. `output` gets θ − η d where `variable` is
 * given, else d; 0 stands for a tensor that is not wanted. The last block of four overlaps the one before, so the results must
 * not lie where the operands do.
 */
export function momentum(
  gradient: usize,
  velocity: usize,
  newVelocity: usize,
  variable: usize,
  output: usize,
  n: i32,
  mu: f32,
  nesterov: bool,
  rate: f32,
): void {
  const decay = f32x4.splat(mu);
  const step = f32x4.splat(-rate);
  const bytes = (<usize>n) << 2;
  for (let i: usize = 0; i < bytes; i += 16) {
    const at = min(i, bytes - 16);
    const g = v128.load(gradient + at);
    const m = multiplyAdd(decay, v128.load(velocity + at), g);
    v128.store(newVelocity + at, m);
    if (output == 0) continue;
    const d = nesterov ? multiplyAdd(decay, m, g) : m;
    v128.store(output + at, variable == 0 ? d : multiplyAdd(step, d, v128.load(variable + at)));
  }
}

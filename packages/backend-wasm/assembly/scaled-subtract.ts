/** θ′ = θ − η d: the step along a direction that is there already. */
import { multiplyAdd } from './multiply-add';

/** output = variable − rate · direction over n ≥ 4 floats. The last block of four overlaps the one before, so `output` must not be an operand. */
export function scaledSubtract(variable: usize, direction: usize, output: usize, n: i32, rate: f32): void {
  const step = f32x4.splat(-rate);
  const bytes = (<usize>n) << 2;
  for (let i: usize = 0; i < bytes; i += 16) {
    const at = min(i, bytes - 16);
    v128.store(output + at, multiplyAdd(step, v128.load(direction + at), v128.load(variable + at)));
  }
}

/** Random initial weights from a seeded generator: the same numbers on every engine, because no engine draws them. */
import type { Random } from '@apo/core';

export type Initializer =
  /** Normal with variance 2 / fan_in, for ReLU (He et al. 2015, Eq. 10). */
  | 'he-normal'
  /** Uniform in ±√(6 / (fan_in + fan_out)), for tanh and sigmoid (Glorot & Bengio 2010, Eq. 16). */
  | 'glorot-uniform';

export const initializers: readonly Initializer[] = ['he-normal', 'glorot-uniform'];

/** A dense kernel `[fanIn, fanOut]`, row-major, as float32. */
export function initialKernel(
  initializer: Initializer,
  fanIn: number,
  fanOut: number,
  random: Random,
): Float32Array {
  const values = new Float32Array(fanIn * fanOut);
  const deviation = Math.sqrt(2 / fanIn);
  const limit = Math.sqrt(6 / (fanIn + fanOut));
  for (let i = 0; i < values.length; i++) {
    values[i] = initializer === 'he-normal' ? deviation * random.normal() : limit * (2 * random.next() - 1);
  }
  return values;
}

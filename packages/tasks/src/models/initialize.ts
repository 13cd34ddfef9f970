/** Random initial weights from a seeded generator: the same numbers on every engine, because no engine draws them. */
import { requireArgument } from '@apo/core';
import type { Random } from '@apo/core';

export type Initializer =
  /** Normal with variance 2 / fan_in, for ReLU (He et al. 2015, Eq. 10). */
  | 'he-normal'
  /** Uniform in ±√(6 / (fan_in + fan_out)), for tanh (Glorot & Bengio 2010, Eq. 16). */
  | 'glorot-uniform'
  /** Four times that, for the logistic sigmoid, whose slope at zero is a quarter of tanh's. */
  | 'glorot-uniform-sigmoid';

const initializers: readonly string[] = [
  'he-normal',
  'glorot-uniform',
  'glorot-uniform-sigmoid',
] satisfies Initializer[];

/** @throws ApoError `INVALID_ARGUMENT` for a name that is none. */
export function requireInitializer(initializer: Initializer): void {
  requireArgument(
    initializers.includes(initializer),
    () => `Unknown initializer "${initializer}"; expected one of ${initializers.join(', ')}.`,
  );
}

/**
 * A kernel of the given shape, row-major, as float32: `[inputs, outputs]`, or `[height, width, inputs, outputs]`, whose
 * fans are height · width times its channels.
 */
export function initialKernel(
  initializer: Initializer,
  shape: readonly number[],
  random: Random,
): Float32Array {
  const product = (sides: readonly number[]): number => sides.reduce((total, side) => total * side, 1);
  const fanIn = product(shape.slice(0, -1));
  const fanOut = product(shape.slice(0, -2)) * shape.at(-1)!;
  const values = new Float32Array(product(shape));
  const deviation = Math.sqrt(2 / fanIn);
  const gain = initializer === 'glorot-uniform-sigmoid' ? 4 : 1;
  const limit = gain * Math.sqrt(6 / (fanIn + fanOut));
  for (let i = 0; i < values.length; i++) {
    values[i] = initializer === 'he-normal' ? deviation * random.normal() : limit * (2 * random.next() - 1);
  }
  return values;
}

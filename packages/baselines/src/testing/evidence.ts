/** What the tests of this folder's neighbours share: readings of tensors, seeded vectors, relative errors. */
import * as tf from '@tensorflow/tfjs-core';
import { createRandom } from '@apo/core';

/** The number of tensors that `body` leaves behind. */
export async function leaked(body: () => unknown): Promise<number> {
  const before = tf.memory().numTensors;
  await body();
  return tf.memory().numTensors - before;
}

/** Standard normal values. */
export function seededVector(length: number, seed: number): Float64Array {
  const random = createRandom(seed);
  return Float64Array.from({ length }, () => random.normal());
}

/** ‖a − b‖ / ‖b‖. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    size += b[i]! ** 2;
  }
  return Math.sqrt(difference / size);
}

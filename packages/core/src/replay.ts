/** Makes random layers (dropout, noise) draw the same numbers again. TensorFlow.js seeds every unseeded random op from `Math.random`, so replaying that, for the duration of one synchronous call, replays every mask. */
import { createRandom } from './random.js';

/** Runs `body` with `Math.random` drawing from a generator seeded by `seed`, and restores it whatever happens. */
export function withRandomSeed<T>(seed: number, body: () => T): T {
  const original = Math.random;
  const random = createRandom(seed);
  Math.random = () => random.next();
  try {
    return body();
  } finally {
    Math.random = original;
  }
}

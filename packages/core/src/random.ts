/** Seeded random numbers (pure-rand's xoroshiro128+), with a state that fits in a checkpoint. JavaScript's own cannot be seeded. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus, xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import { requireArgument, requireInteger } from './errors.js';

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform whole number in [0, bound). */
  integer(bound: number): number;
  /** Standard normal. */
  normal(): number;
  /** A uniformly random order of 0 … length − 1 (Fisher–Yates). */
  permutation(length: number): Int32Array;
  /** What `restore` takes back; plain numbers, JSON-safe. */
  state(): number[];
  restore(state: readonly number[]): void;
}

/** Draws thrown away after seeding: the state starts as the seed beside fixed words, and the first draw of any seed is close to 1. */
const DISCARDED_DRAWS = 16;

/** A generator that gives the same numbers for the same `seed` (a whole number) everywhere. */
export function createRandom(seed: number): Random {
  requireArgument(Number.isInteger(seed), () => `seed is ${String(seed)}; expected a whole number.`);
  let generator = xoroshiro128plus(seed);
  for (let i = 0; i < DISCARDED_DRAWS; i++) generator.next();
  const next = (): number => uniformFloat64(generator);
  const integer = (bound: number): number => uniformInt(generator, 0, requireInteger('bound', bound, 1) - 1);
  return {
    next,
    integer,
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    permutation(length) {
      const order = Int32Array.from({ length }, (_, i) => i);
      for (let i = length - 1; i > 0; i--) {
        const j = integer(i + 1);
        const swap = order[i]!;
        order[i] = order[j]!;
        order[j] = swap;
      }
      return order;
    },
    state: () => [...generator.getState()],
    restore(state) {
      generator = xoroshiro128plusFromState(state);
    },
  };
}

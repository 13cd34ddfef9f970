/** What Hessian-free optimization does to a displacement before it is taken: the best of several conjugate-gradient iterates, then a backtracking line search, both on the true loss (Martens 2010, Sec. 4.6). */
import { scale } from '../curvature/vector.js';

/** Growth of the iteration numbers whose iterates are kept. */
const GROWTH = 1.3;
const SUFFICIENT_DECREASE = 0.01;
const SHRINK = 0.8;
const MAX_SHRINKS = 60;

/** Keeps copies of the iterates numbered 1, 2, 3, 4, 6, 8, 11, …: each 1.3 times as far as the one before. */
export class IterateSeries {
  readonly iterates: Float64Array[] = [];
  private next = 1;

  /** For `onIterate` of `conjugateGradient`. */
  readonly add = (iteration: number, x: Float64Array): void => {
    if (iteration < Math.ceil(this.next)) return;
    this.iterates.push(x.slice());
    while (Math.ceil(this.next) <= iteration) this.next *= GROWTH;
  };
}

/** From the last candidate backwards as long as the loss falls: the first that is not worse than the one before it. */
export function backtrackIterates(
  candidates: readonly Float64Array[],
  lossAt: (delta: Float64Array) => number,
): { delta: Float64Array; loss: number } {
  let delta = candidates.at(-1)!;
  let loss = lossAt(delta);
  for (const candidate of candidates.slice(0, -1).reverse()) {
    const other = lossAt(candidate);
    // A loss that overflowed is worse than any other.
    if (Number.isFinite(loss) && !(other < loss)) break;
    delta = candidate;
    loss = other;
  }
  return { delta, loss };
}

/** The longest of δ, 0.8 δ, 0.64 δ, … that lowers the loss by 1 % of what its slope promises; undefined when 60 are not enough. */
export function shortenUntilDecrease(
  delta: Float64Array,
  { start, slope, lossAt }: { start: number; slope: number; lossAt: (delta: Float64Array) => number },
): Float64Array | undefined {
  let factor = 1;
  for (let shrinks = 0; shrinks <= MAX_SHRINKS; shrinks++, factor *= SHRINK) {
    const candidate = scale(delta, factor);
    if (lossAt(candidate) <= start + SUFFICIENT_DECREASE * factor * Math.min(slope, 0)) return candidate;
  }
  return undefined;
}

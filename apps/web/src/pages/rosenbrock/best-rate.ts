/** The best fixed rate of gradient descent for a start and a number of steps, found by trying: what one would have to know beforehand. */
import { gradientAt, valueAt } from './landscape.js';
import type { Point } from './landscape.js';

export interface FixedRate {
  readonly rate: number;
  /** f after the last step, the worse of float64 and float32. */
  readonly value: number;
}

/** Rates that are tried, from and to, and per factor of ten. */
const RANGE = [1e-6, 1e-1] as const;
const PER_DECADE = 40;

const exactly = (value: number): number => value;

/**
 * f after `steps` steps of gradient descent, each position rounded by `round` (default: float64); Infinity when it diverges. The
 * function may be turned: the path turns with it.
 */
export function descend(start: Point, rate: number, steps: number, round = exactly): number {
  let [x, y] = start;
  for (let step = 0; step < steps; step++) {
    const [dx, dy] = gradientAt([x, y]);
    x = round(x - rate * dx);
    y = round(y - rate * dy);
    if (!(Math.abs(x) < 1e6)) return Infinity;
  }
  return valueAt([x, y]);
}

/**
 * The best of 201 rates, 10⁻⁶ to 0.1, six per cent apart. Beyond the stability of the minimum, 2e−3, float64 may stand on the ridge
 * for thousands of steps from which any rounding falls, so the worse of float64 and float32 counts.
 */
export function bestFixedRate(start: Point, steps: number): FixedRate {
  const decades = Math.log10(RANGE[1] / RANGE[0]);
  const count = Math.round(decades * PER_DECADE);
  let best: FixedRate = { rate: RANGE[0], value: Infinity };
  for (let i = 0; i <= count; i++) {
    // To three digits, so that it can be written down.
    const rate = Number((RANGE[0] * 10 ** (i / PER_DECADE)).toPrecision(3));
    const value = Math.max(descend(start, rate, steps), descend(start, rate, steps, Math.fround));
    if (value < best.value) best = { rate, value };
  }
  return best;
}

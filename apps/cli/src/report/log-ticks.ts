/** Where a logarithmic axis has its ticks: powers of ten for a wide range, 1-2-5 for a narrow one, every digit for less. */

const mantissas = [
  [1],
  [1, 3],
  [1, 2, 5],
  [1, 1.5, 2, 3, 5, 7],
  [1, 1.2, 1.5, 1.7, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9],
];
const ENOUGH = 4;
const MANY = 9;

/** Increasing values inside [low, high], both > 0: the coarsest choice with at least four, thinned to at most nine. */
export function logTicks(low: number, high: number): number[] {
  let ticks: number[] = [];
  for (const choice of mantissas) {
    ticks = inside(choice, low, high);
    if (ticks.length >= ENOUGH) break;
  }
  const every = Math.ceil(ticks.length / MANY);
  return ticks.filter((_, i) => i % every === 0);
}

function inside(choice: readonly number[], low: number, high: number): number[] {
  const ticks: number[] = [];
  for (let exponent = Math.floor(Math.log10(low)); exponent <= Math.log10(high); exponent++) {
    for (const mantissa of choice) {
      // Through text, so that 3e-4 is the number that is closest to it and not 3 × 0.00009999….
      const tick = Number(`${mantissa}e${exponent}`);
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  }
  return ticks;
}

/** "0.03", "20", "1e-6". */
export function tickLabel(value: number): string {
  return value >= 1e-3 && value < 1e5 ? String(value) : value.toExponential().replace('e+', 'e');
}

/** A diverging colour scale around zero, and how far it reaches for a matrix. */

export type Rgb = readonly [red: number, green: number, blue: number];

/** Colours of −1, 0 and 1. */
export interface Ramp {
  readonly low: Rgb;
  readonly middle: Rgb;
  readonly high: Rgb;
}

/** Share of the entries that the scale is made for; the largest ones are drawn in its end colours. */
const COVERED = 0.995;

/** `#rrggbb`. @throws Error for anything else. */
export function parseHex(color: string): Rgb {
  const parts = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color);
  if (parts === null) throw new Error(`The colour is "${color}"; expected #rrggbb.`);
  return [1, 2, 3].map((i) => Number.parseInt(parts[i]!, 16)) as unknown as Rgb;
}

/** The colour of `value`, clipped to [−limit, limit]; mixed in RGB from the middle. NaN has the middle colour. */
export function heatColor(ramp: Ramp, value: number, limit: number): Rgb {
  const share = Number.isNaN(value) || limit <= 0 ? 0 : Math.max(-1, Math.min(1, value / limit));
  const end = share < 0 ? ramp.low : ramp.high;
  const strength = Math.abs(share);
  return ramp.middle.map((from, i) => Math.round(from + strength * (end[i]! - from))) as unknown as Rgb;
}

/** RGBA bytes of a matrix, row-major, opaque. */
export function heatPixels(
  values: ArrayLike<number>,
  ramp: Ramp,
  limit: number,
): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(4 * values.length);
  for (let i = 0; i < values.length; i++) {
    pixels.set(heatColor(ramp, values[i]!, limit), 4 * i);
    pixels[4 * i + 3] = 255;
  }
  return pixels;
}

/** The least of 1, 2, 5 · 10ⁿ that 99.5 % of the magnitudes do not exceed, so that the scale seldom changes; 0 for zeros alone. */
export function heatLimit(values: ArrayLike<number>): number {
  const sizes = Float64Array.from(values, Math.abs).filter(Number.isFinite).sort();
  const reach = sizes[Math.min(sizes.length - 1, Math.floor(COVERED * sizes.length))] ?? 0;
  if (reach === 0) return sizes.at(-1) ? roundUp(sizes.at(-1)!) : 0;
  return roundUp(reach);
}

function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  // A hair of tolerance: 0.2 / 0.1 is not 2 in floating point.
  const factor = [1, 2, 5].find((step) => value <= step * power * (1 + 1e-9)) ?? 10;
  return Number((factor * power).toPrecision(1));
}

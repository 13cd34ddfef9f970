/** Curves: points by step, thinned and smoothed so that a plot of a long run stays small and readable. */
import type { Metrics } from './run/metrics.js';

export interface Point {
  readonly step: number;
  readonly value: number;
}

/** One named run, as its metrics lines. */
export interface RunCurves {
  readonly name: string;
  readonly metrics: readonly Metrics[];
  /** Mean training time of a step, where it is known. */
  readonly secondsPerStep?: number;
}

/** The finite values of a numeric field, by step. */
export function pointsOf(metrics: readonly Metrics[], field: keyof Metrics): Point[] {
  const points: Point[] = [];
  for (const line of metrics) {
    const value = line[field];
    if (typeof value === 'number' && Number.isFinite(value)) points.push({ step: line.step, value });
  }
  return points;
}

/** At most `limit` points: each the mean step and the mean value of a run of neighbours (geometric mean with `logarithmic`). */
export function thin(points: readonly Point[], limit: number, logarithmic = false): Point[] {
  if (points.length <= limit) return [...points];
  const mean = logarithmic && points.every((p) => p.value > 0) ? geometricMean : arithmeticMean;
  return Array.from({ length: limit }, (_, i) => {
    const bucket = points.slice(
      Math.floor((i * points.length) / limit),
      Math.floor(((i + 1) * points.length) / limit),
    );
    return { step: arithmeticMean(bucket.map((p) => p.step)), value: mean(bucket.map((p) => p.value)) };
  });
}

/** Centred moving average over `window` neighbours (fewer at the ends). */
export function smooth(points: readonly Point[], window: number): Point[] {
  const half = Math.floor(window / 2);
  return points.map((point, i) => {
    const reach = Math.min(half, i, points.length - 1 - i);
    return {
      step: point.step,
      value: arithmeticMean(points.slice(i - reach, i + reach + 1).map((p) => p.value)),
    };
  });
}

/** `count` values at equal distances of step from the first to the last, interpolated linearly. */
export function resample(points: readonly Point[], count: number): number[] {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined) return [];
  let right = 0;
  return Array.from({ length: count }, (_, i) => {
    const step = first.step + ((last.step - first.step) * i) / Math.max(1, count - 1);
    while (right < points.length - 1 && points[right]!.step < step) right++;
    const b = points[right]!;
    const a = points[Math.max(0, right - 1)]!;
    return b.step === a.step
      ? b.value
      : a.value + ((b.value - a.value) * (step - a.step)) / (b.step - a.step);
  });
}

function arithmeticMean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(arithmeticMean(values.map(Math.log)));
}

/** The least and the largest of any number of values; [∞, −∞] of none. */
export function rangeOf(values: readonly number[]): readonly [low: number, high: number] {
  // Not Math.min(...values): a long run has more values than a call may have arguments.
  return values.reduce<readonly [number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  );
}

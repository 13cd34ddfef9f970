/** From the trace of a run to what is drawn and said of it. */
import type { ChartData } from '../../ui/live-chart.js';
import { trailingMean } from '../../ui/trailing-mean.js';
import type { SideProgress } from './session.js';
import type { LossBatch } from './settings.js';

/** A line of a chart: one list of one side, averaged over the last `window` steps at each step. */
export interface Line {
  readonly side: LossBatch;
  readonly list: keyof SideProgress;
  readonly window?: number;
}

/** Lines against the step; a side without steps has an empty line. */
export function chartOf(
  sides: Readonly<Partial<Record<LossBatch, SideProgress>>>,
  steps: number,
  lines: readonly Line[],
): ChartData {
  return {
    x: Array.from({ length: steps }, (_, i) => i + 1),
    series: lines.map(({ side, list, window = 1 }) => trailingMean(sides[side]?.[list] ?? [], window)),
  };
}

/** Mean of the last `count` values, or of as many as there are; `undefined` for none. */
export function lateMean(values: readonly number[], count: number): number | undefined {
  const late = values.slice(-count);
  return late.length === 0 ? undefined : late.reduce((sum, value) => sum + value, 0) / late.length;
}

/** Every `stride`-th value, the last of each stretch. */
export function thinned(values: readonly number[], stride: number): number[] {
  return values.filter((_, i) => (i + 1) % stride === 0);
}

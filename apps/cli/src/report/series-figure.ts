/** A figure of measurements that a check sums up: points joined by lines, both axes logarithmic. */
import type { CheckSeries } from '@apo/baselines';
import * as Plot from '@observablehq/plot';
import { logScale, render, seriesColor } from './figure.js';

/** All of the same axes; a curve each. `undefined` when no point is positive. */
export function seriesFigure(label: string, series: readonly CheckSeries[]): string | undefined {
  const curves = series.map(({ points }) => points.filter(([x, y]) => x > 0 && y > 0));
  const all = curves.flat();
  const [first] = series;
  if (first === undefined || all.length === 0) return undefined;
  return render(
    {
      x: logScale(
        first.xLabel,
        all.map(([x]) => x),
      ),
      y: logScale(
        first.yLabel,
        all.map(([, y]) => y),
      ),
      marks: curves.flatMap((points, i) => {
        const stroke = seriesColor(i);
        return [
          Plot.line(points, { x: '0', y: '1', stroke, strokeWidth: 2 }),
          Plot.dot(points, { x: '0', y: '1', r: 3, fill: stroke }),
        ];
      }),
    },
    label,
  );
}

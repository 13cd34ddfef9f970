/** A chart of series that grow while the reader watches: uPlot in the page's colours, with marks for meta-steps and a sentence for who cannot see it. */
import { useSignal, useSignalEffect } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatNumber } from './format.js';
import { redrawWithTheme, token } from './theme.js';

/** uPlot's number for a logarithmic scale. */
const LOG_SCALE = { distr: 3 };

export interface ChartSeries {
  readonly label: string;
  /** A colour token, such as `--data-tuned`. */
  readonly color: `--${string}`;
  /** Lengths of strokes and gaps in pixels. Default: a full line. */
  readonly dash?: readonly number[];
  /** In pixels. Default 2. */
  readonly width?: number;
}

/** Columns of equal length: x ascending, and one for each series. null: nothing there. A log scale skips values ≤ 0. */
export interface ChartData {
  readonly x: readonly number[];
  readonly series: readonly (readonly (number | null)[])[];
}

export interface LiveChartProps {
  readonly data: ReadonlySignal<ChartData>;
  readonly series: readonly ChartSeries[];
  readonly xLabel: string;
  readonly yLabel: string;
  readonly yScale?: 'linear' | 'log';
  /** Default: as far as the data reach. */
  readonly xRange?: readonly [number, number];
  readonly yRange?: readonly [number, number];
  /** Where meta-steps were taken, in units of x: short strokes on the x axis. */
  readonly marks?: ReadonlySignal<readonly number[]>;
  /** What the chart shows now, in a sentence or two. */
  readonly summary: string;
  /** In CSS pixels. Default 240. */
  readonly height?: number;
}

export function LiveChart(props: LiveChartProps) {
  const target = useRef<HTMLDivElement>(null);
  const width = useSignal(0);
  const { data, marks, height = 240 } = props;
  const shape = JSON.stringify([
    props.series,
    props.xLabel,
    props.yLabel,
    props.yScale,
    props.xRange,
    props.yRange,
  ]);
  const latestShape = useSignal(shape);
  latestShape.value = shape;
  const chart = useRef<uPlot>(null);

  useEffect(() => {
    const element = target.current!;
    const observer = new ResizeObserver(() => (width.value = element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  // A new chart when its colours, its lines or its width are others; new data otherwise.
  useSignalEffect(() => {
    redrawWithTheme();
    if (target.current === null || width.value === 0 || latestShape.value === '') return;
    const made = new uPlot(options(props, width.value, height, marks), columns(data.peek()), target.current);
    chart.current = made;
    return () => {
      chart.current = null;
      made.destroy();
    };
  });

  useSignalEffect(() => {
    const next = data.value;
    marks?.value.at(-1);
    const frame = requestAnimationFrame(() => chart.current?.setData(columns(next)));
    return () => cancelAnimationFrame(frame);
  });

  return (
    <div
      class="chart"
      ref={target}
      role="img"
      aria-label={props.summary}
      style={{ minHeight: `${height}px` }}
    />
  );
}

/** A run that diverges may report infinities, for which no axis has room. */
function columns({ x, series }: ChartData): uPlot.AlignedData {
  const shown = series.map((values) => values.map((value) => (Number.isFinite(value) ? value : null)));
  return [x, ...shown] as unknown as uPlot.AlignedData;
}

function options(
  { series, xLabel, yLabel, yScale = 'linear', xRange, yRange }: LiveChartProps,
  width: number,
  height: number,
  marks: LiveChartProps['marks'],
): uPlot.Options {
  const log = yScale === 'log';
  const font = `12px ${token('--sans')}`;
  const axis: uPlot.Axis = {
    stroke: token('--ink-soft'),
    font,
    labelFont: font,
    labelSize: 18,
    labelGap: 2,
    grid: { stroke: token('--grid'), width: 1 },
    ticks: { stroke: token('--line'), width: 1, size: 5 },
  };
  const filter = (chart: uPlot, splits: number[]): (number | null)[] => thinned(chart.scales['y']!, splits);
  return {
    width,
    height,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, ...(xRange && fixed(xRange)) },
      y: Object.assign({}, log ? LOG_SCALE : {}, yRange ? fixed(yRange) : {}),
    },
    axes: [
      { ...axis, label: xLabel, size: 28 },
      {
        ...axis,
        label: yLabel,
        size: 58,
        values: (_chart, splits) =>
          splits.map((value) => (log && !isPowerOfTen(value) ? '' : formatNumber(value))),
        ...(log && { filter, grid: { ...axis.grid, filter }, ticks: { ...axis.ticks, filter } }),
      },
    ],
    series: [
      {},
      ...series.map(({ label, color, dash = [], width: stroke = 2 }) => ({
        label,
        stroke: token(color),
        width: stroke,
        dash: [...dash],
        points: { show: false },
      })),
    ],
    hooks: { draw: [(chart) => drawMarks(chart, marks?.peek() ?? [])] },
  };
}

function fixed([low, high]: readonly [number, number]): { range: uPlot.Range.MinMax } {
  return { range: [low, high] };
}

/** Powers of ten that an axis has room for. */
const MOST_POWERS = 7;

/** Over more than three powers of ten, grid lines at these only; over more than there is room for, at every second or third of them. */
function thinned({ min, max }: uPlot.Scale, splits: number[]): (number | null)[] {
  const powers = min == null || max == null ? 0 : Math.log10(max / min);
  if (powers <= 3) return splits;
  const every = Math.ceil(powers / MOST_POWERS);
  return splits.map((value) =>
    isPowerOfTen(value) && Math.round(Math.log10(value)) % every === 0 ? value : null,
  );
}

/** uPlot gives null for what its own filter leaves out. */
function isPowerOfTen(value: number | null): boolean {
  return value !== null && Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9;
}

function drawMarks({ ctx, bbox, scales, valToPos }: uPlot, marks: readonly number[]): void {
  const { min, max } = scales['x']!;
  if (marks.length === 0 || min == null || max == null) return;
  const length = 7 * devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = token('--line-strong');
  ctx.lineWidth = devicePixelRatio;
  ctx.beginPath();
  for (const at of marks) {
    if (at < min || at > max) continue;
    const x = Math.round(valToPos(at, 'x', true));
    ctx.moveTo(x, bbox.top + bbox.height);
    ctx.lineTo(x, bbox.top + bbox.height - length);
  }
  ctx.stroke();
  ctx.restore();
}

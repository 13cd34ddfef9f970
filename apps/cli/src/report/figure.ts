/** SVG figures of training curves: Observable Plot rendered on linkedom's document, so no browser is needed. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { Metrics } from '../run/metrics.js';
import { pointsOf, rangeOf, smooth, thin } from '../series.js';
import type { Point, RunCurves } from '../series.js';
import { logTicks, tickLabel } from './log-ticks.js';

/** Points a curve keeps; more cannot be told apart at the figure's width. */
const POINTS = 400;

/** A stroke that the page's style sheet defines for light and dark. */
export function seriesColor(index: number): string {
  return `var(--series-${(index % 6) + 1})`;
}

/** A plot as SVG text; `label` is what it is called where it is not seen. */
export function render(options: Plot.PlotOptions, label: string): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const svg = Plot.plot({
    width: 860,
    height: 320,
    marginLeft: 64,
    marginRight: 20,
    marginBottom: 40,
    style: { background: 'none', fontFamily: 'inherit', fontSize: '12px' },
    ...options,
    document,
  });
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', label);
  return svg.outerHTML;
}

function xAxis(): Plot.ScaleOptions {
  return { label: 'step', ticks: 8, insetRight: 4 };
}

/** A logarithmic axis over positive values. */
export function logScale(label: string, values: readonly number[]): Plot.ScaleOptions {
  const [low, high] = rangeOf(values);
  // A constant has no scale of its own: a factor of three each way.
  const [from, to] = high / low < 1.05 ? [low / 3, high * 3] : [low, high];
  return {
    type: 'log',
    label,
    grid: true,
    domain: [from, to],
    ticks: logTicks(from, to),
    tickFormat: tickLabel,
  };
}

/** Mini-batch loss over the steps on a log scale: the noisy curve faint, its moving average on top. */
export function lossFigure(runs: readonly RunCurves[]): string | undefined {
  return losses(runs, xAxis(), 'Training loss by step');
}

/** The same over the seconds of training, at each run's mean time of a step. `undefined` unless all runs have one. */
export function lossByTimeFigure(runs: readonly RunCurves[]): string | undefined {
  if (runs.some(({ secondsPerStep }) => secondsPerStep === undefined)) return undefined;
  const inSeconds = runs.map(({ name, metrics, secondsPerStep = 1 }) => ({
    name,
    metrics: metrics.map((line) => ({ ...line, step: line.step * secondsPerStep })),
  }));
  return losses(inSeconds, { ...xAxis(), label: 'seconds' }, 'Training loss by training time');
}

function losses(runs: readonly RunCurves[], x: Plot.ScaleOptions, label: string): string | undefined {
  const curves = runs.map((run) => pointsOf(run.metrics, 'loss').filter((p) => p.value > 0));
  const values = curves.flat().map((p) => p.value);
  if (values.length === 0) return undefined;
  return render(
    {
      x,
      y: logScale('training loss', values),
      marks: curves.flatMap((points, i) => {
        const window = points.length < 20 ? 1 : Math.max(5, Math.round(points.length / 30));
        const stroke = seriesColor(i);
        return [
          ...(window > 1
            ? [line(thin(points, POINTS, true), { stroke, strokeWidth: 1, strokeOpacity: 0.35 })]
            : []),
          line(thin(smooth(points, window), POINTS, true), { stroke, strokeWidth: 2 }),
        ];
      }),
    },
    label,
  );
}

/** Learning rate over the steps on a log scale, with a dot at each accepted meta-step and a cross at each rejected one. */
export function learningRateFigure(runs: readonly RunCurves[]): string | undefined {
  const curves = runs.map((run) => pointsOf(run.metrics, 'learningRate').filter((p) => p.value > 0));
  const values = curves.flat().map((p) => p.value);
  if (values.length === 0) return undefined;
  return render(
    {
      x: xAxis(),
      y: logScale('learning rate', values),
      marks: runs.flatMap(({ metrics }, i) => {
        const stroke = seriesColor(i);
        const [accepted, rejected] = metaSteps(metrics);
        return [
          line(thin(curves[i]!, POINTS, true), { stroke, strokeWidth: 2 }),
          Plot.dot(spread(accepted), { x: 'step', y: 'value', r: 2, fill: stroke }),
          Plot.dot(spread(rejected), {
            x: 'step',
            y: 'value',
            r: 4,
            symbol: 'times',
            stroke,
            strokeWidth: 1.5,
          }),
        ];
      }),
    },
    'Learning rate by step, meta-steps marked',
  );
}

/** Q and its three terms at the meta-steps of one run (Eq. 8). Labels of the terms that are not zero throughout, in the order of their colours. */
export function objectiveTermLabels(metrics: readonly Metrics[]): string[] {
  return presentTerms(metrics).map(({ label }) => label);
}

/** Q and those terms on a log scale. */
export function objectiveFigure(metrics: readonly Metrics[]): string | undefined {
  const terms = presentTerms(metrics).map(({ points }) => points);
  const values = terms.flat().map((p) => p.value);
  if (values.length === 0) return undefined;
  return render(
    {
      x: xAxis(),
      y: logScale('Q and its terms', values),
      marks: terms.map((points, i) =>
        line(thin(points, POINTS, true), { stroke: seriesColor(i), strokeWidth: 1.5 }),
      ),
    },
    'The meta-objective and its terms by step',
  );
}

const objectiveTerms = [
  { field: 'q', label: 'Q' },
  { field: 'lookaheadLoss', label: 'loss at the lookahead' },
  { field: 'fsd', label: 'function-space term' },
  { field: 'wsd', label: 'weight-space term' },
] as const satisfies readonly { readonly field: keyof Metrics; readonly label: string }[];

function presentTerms(metrics: readonly Metrics[]): { readonly label: string; readonly points: Point[] }[] {
  return objectiveTerms
    .map(({ field, label }) => ({ label, points: pointsOf(metrics, field).filter((p) => p.value > 0) }))
    .filter(({ points }) => points.length > 0);
}

/** Test accuracy at the evaluations; absent with fewer than two. */
export function accuracyFigure(runs: readonly RunCurves[]): string | undefined {
  const curves = runs.map((run) => pointsOf(run.metrics, 'testAccuracy'));
  if (!curves.some((points) => points.length > 1)) return undefined;
  return render(
    {
      x: xAxis(),
      y: { label: 'test accuracy', grid: true, tickFormat: '.0%' },
      marks: curves.flatMap((points, i) => [
        line(points, { stroke: seriesColor(i), strokeWidth: 2 }),
        Plot.dot(points, { x: 'step', y: 'value', r: 3, fill: seriesColor(i) }),
      ]),
    },
    'Test accuracy by step',
  );
}

function line(points: readonly Point[], options: Plot.LineOptions): Plot.Line {
  return Plot.line(points, { x: 'step', y: 'value', ...options });
}

function metaSteps(metrics: readonly Metrics[]): [accepted: Point[], rejected: Point[]] {
  const meta = metrics.filter((m) => m.accepted !== undefined);
  return [
    pointsOf(
      meta.filter((m) => m.accepted === true),
      'learningRate',
    ).filter((p) => p.value > 0),
    pointsOf(
      meta.filter((m) => m.accepted === false),
      'learningRate',
    ).filter((p) => p.value > 0),
  ];
}

/** At most 150 of the points, evenly: marks that overlap say nothing. */
function spread(points: readonly Point[]): Point[] {
  const every = Math.ceil(points.length / 150);
  return points.filter((_, i) => i % every === 0);
}

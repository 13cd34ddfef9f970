/** The report of one run, or of several runs beside each other: one HTML file with inline SVG that asks for nothing else. */
import { formatDuration, formatNumber, formatPercent } from '../format.js';
import type { Metrics } from '../run/metrics.js';
import type { Summary } from '../run/summary.js';
import type { RunCurves } from '../series.js';
import {
  accuracyFigure,
  learningRateFigure,
  lossByTimeFigure,
  lossFigure,
  objectiveFigure,
  objectiveTermLabels,
} from './figure.js';
import { header, page, section, tileRow } from './document.js';
import { dataTable, definitionTable } from './html.js';
import { standaloneFigure } from './standalone.js';

/** A finished run: what `summary.json` and `metrics.jsonl` say. */
export interface ReportedRun {
  readonly summary: Summary;
  readonly metrics: readonly Metrics[];
}

/** The report of one run. */
export function runReport({ summary, metrics }: ReportedRun): string {
  const runs = [{ name: summary.optimizer, metrics }];
  const title = `${summary.task} · ${summary.optimizer}`;
  const facts = `seed ${summary.seed} · ${summary.steps} steps on the ${summary.engine} engine · ${summary.finishedAt.slice(0, 10)}`;
  return page(title, [
    header(title, facts, summary.failed ? (summary.reason ?? 'The run failed.') : undefined),
    tiles(summary),
    ...figures(runs, false),
    section(
      'The meta-objective',
      'Q and its terms at each meta-step, evaluated at the lookahead. Steps without one have no value.',
      objectiveFigure(metrics),
      objectiveTermLabels(metrics),
    ),
    `<div class="pair">${[
      `<section><h2>Results</h2>${definitionTable(resultRows(summary))}</section>`,
      `<section><h2>Options</h2>${definitionTable(optionRows(summary))}</section>`,
    ].join('\n')}</div>`,
  ]);
}

/** Several runs in the same figures and one table. Names tell the runs apart and are given by the caller. */
export function comparisonReport(
  title: string,
  runs: readonly (ReportedRun & { readonly name: string })[],
): string {
  const curves = runs.map(curvesOf);
  const tasks = [...new Set(runs.map((r) => r.summary.task))].join(', ');
  const engines = [...new Set(runs.map((r) => r.summary.engine))].join(', ');
  const optionNames = [...new Set(runs.flatMap((r) => Object.keys(r.summary.options)))];
  return page(title, [
    header(title, `${tasks} · ${runs.length} runs · engine ${engines}`, undefined),
    `<section><h2>Results</h2>${dataTable(comparisonHeader, runs.map(comparisonRow))}</section>`,
    ...figures(curves, true),
    `<section><h2>Options</h2>${dataTable(
      ['option', ...runs.map((r) => r.name)],
      optionNames.map((name) => [name, ...runs.map((r) => optionText(r.summary.options[name]))]),
    )}</section>`,
  ]);
}

/** The figures of a comparison as SVG files by name, those for which there are data. */
export function figureFiles(
  title: string,
  runs: readonly (ReportedRun & { readonly name: string })[],
): Readonly<Record<string, string>> {
  const curves = runs.map(curvesOf);
  const names = curves.map(({ name }) => name);
  const figuresOf = [
    ['loss.svg', 'training loss', lossFigure(curves)],
    ['loss-by-time.svg', 'training loss by time', lossByTimeFigure(curves)],
    ['learning-rate.svg', 'learning rate', learningRateFigure(curves)],
    ['accuracy.svg', 'test accuracy', accuracyFigure(curves)],
  ] as const;
  return Object.fromEntries(
    figuresOf.flatMap(([file, what, figure]) =>
      figure === undefined ? [] : [[file, standaloneFigure(figure, names, `${title} · ${what}`)]],
    ),
  );
}

function curvesOf({ name, metrics, summary }: ReportedRun & { readonly name: string }): RunCurves {
  return {
    name,
    metrics,
    ...(summary.stepsPerSecond > 0 && { secondsPerStep: 1 / summary.stepsPerSecond }),
  };
}

/** Column names of the comparison, shared with the terminal's table. */
export const comparisonHeader = [
  'run',
  'training loss',
  'test accuracy',
  'learning rate',
  'steps',
  'steps/s',
  'meta-steps (rejected)',
] as const;

export function comparisonRow({
  name,
  summary,
}: {
  readonly name: string;
  readonly summary: Summary;
}): string[] {
  return [
    name,
    summary.failed ? 'failed' : formatNumber(summary.trainLoss),
    formatPercent(summary.testAccuracy),
    rateText(summary),
    String(summary.steps),
    formatNumber(summary.stepsPerSecond),
    summary.metaSteps === 0 ? '–' : `${summary.metaSteps} (${summary.rejected})`,
  ];
}

function figures(runs: readonly RunCurves[], legend: boolean): string[] {
  const names = legend ? runs.map((run) => run.name) : [];
  return [
    section('Training loss', 'Mini-batch loss, faint; its moving average, strong.', lossFigure(runs), names),
    ...(legend
      ? [
          section(
            'Training loss by time',
            'Evaluations, checkpoints and start-up are not counted.',
            lossByTimeFigure(runs),
            names,
          ),
        ]
      : []),
    section(
      'Learning rate',
      'Dots are meta-steps, crosses are rejected ones; long runs show an even selection.',
      learningRateFigure(runs),
      names,
    ),
    section('Test accuracy', 'On the whole test set.', accuracyFigure(runs), names),
  ];
}

function tiles(summary: Summary): string {
  const values: readonly (readonly [string, string])[] = [
    ['training loss', formatNumber(summary.trainLoss)],
    ...(summary.testAccuracy === null
      ? []
      : [['test accuracy', formatPercent(summary.testAccuracy)] as const]),
    ...(hasRate(summary) ? [['final learning rate', formatNumber(summary.learningRate)] as const] : []),
    ['steps per second', formatNumber(summary.stepsPerSecond)],
    ...(summary.metaSteps === 0 ? [] : [['meta-steps', String(summary.metaSteps)] as const]),
  ];
  return tileRow(values);
}

function resultRows(summary: Summary): (readonly [string, string])[] {
  return [
    ['training loss (first 10,000 examples)', formatNumber(summary.trainLoss)],
    ['test loss', summary.testLoss === null ? '–' : formatNumber(summary.testLoss)],
    ['test accuracy', formatPercent(summary.testAccuracy)],
    ['learning rate at the end', rateText(summary)],
    ['steps', String(summary.steps)],
    ['meta-steps', String(summary.metaSteps)],
    ['rejected meta-steps', String(summary.rejected)],
    ['training time', formatDuration(summary.trainingSeconds)],
    ['steps per second', formatNumber(summary.stepsPerSecond)],
  ];
}

/** A method without a learning rate has none; one that is not finite belongs to a failed run. */
function hasRate({ learningRate, failed }: Summary): boolean {
  return learningRate !== null || failed;
}

function rateText(summary: Summary): string {
  return hasRate(summary) ? formatNumber(summary.learningRate) : '–';
}

function optionRows(summary: Summary): (readonly [string, string])[] {
  return Object.entries(summary.options).map(([name, value]) => [name, optionText(value)]);
}

function optionText(value: string | number | boolean | undefined): string {
  if (value === undefined) return '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'number' ? formatNumber(value) : value;
}

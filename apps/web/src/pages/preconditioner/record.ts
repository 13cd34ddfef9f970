/** Everything that a run has reported, as the page draws it and as the download has it. Pure: events in, columns out. */
import type { ChartData } from '../../ui/live-chart.js';
import { trailingMean } from '../../ui/trailing-mean.js';
import { RUNS } from './contract.js';
import type { Breakdown, ByRun, LayerMatrices, Pictures, Progress, Timing } from './contract.js';
import type { Axis } from './settings.js';

export interface RunRecord {
  readonly step: number;
  /** Of each step's batch, before the step. */
  readonly losses: ByRun<readonly number[]>;
  readonly timing: ByRun<Timing>;
  readonly broken: ByRun<Breakdown | null>;
  /** The learned η at each report. */
  readonly rates: readonly { readonly step: number; readonly rate: number }[];
  readonly testLosses: readonly Pick<Pictures, 'step' | 'testLoss'>[];
  readonly reconstructions: ByRun<Uint8Array> | null;
  readonly matrices: LayerMatrices | null;
  readonly tensors: number;
}

/** Losses of single batches are noisy; the chart has means of so many. */
export const WINDOW = 10;
/** Points of a line against time. */
const TIME_POINTS = 240;

const NO_TIME: Timing = { steps: 0, milliseconds: 0 };

export const EMPTY_RECORD: RunRecord = {
  step: 0,
  losses: { momentum: [], kfac: [], apo: [] },
  timing: { momentum: NO_TIME, kfac: NO_TIME, apo: NO_TIME },
  broken: { momentum: null, kfac: null, apo: null },
  rates: [],
  testLosses: [],
  reconstructions: null,
  matrices: null,
  tensors: 0,
};

/** The record with what `progress` adds. */
export function withProgress(record: RunRecord, progress: Progress): RunRecord {
  const { step, losses, timing, rate, broken, pictures, matrices, tensors } = progress;
  const { momentum, kfac, apo } = record.losses;
  return {
    step,
    losses: {
      momentum: [...momentum, ...losses.momentum],
      kfac: [...kfac, ...losses.kfac],
      apo: [...apo, ...losses.apo],
    },
    timing,
    broken,
    rates: step === 0 ? record.rates : [...record.rates, { step, rate }],
    testLosses:
      pictures === null
        ? record.testLosses
        : [...record.testLosses, { step: pictures.step, testLoss: pictures.testLoss }],
    reconstructions: pictures?.reconstructions ?? record.reconstructions,
    matrices: matrices ?? record.matrices,
    tensors,
  };
}

/** Seconds that a step takes; undefined before one was timed. */
export function secondsPerStep({ steps, milliseconds }: Timing): number | undefined {
  return steps === 0 || milliseconds === 0 ? undefined : milliseconds / 1000 / steps;
}

/** Losses of the three runs, against the step or against the seconds that the run's own steps have taken at their mean pace. */
export function lossChart({ step, losses, timing }: RunRecord, axis: Axis): ChartData {
  const means = RUNS.map((name) => trailingMean(losses[name], WINDOW));
  if (axis === 'steps')
    return { x: Array.from({ length: step }, (_, i) => i + 1), series: padded(means, step) };
  const paces = RUNS.map((name) => secondsPerStep(timing[name]) ?? 0);
  const end = Math.max(...means.map((values, i) => values.length * paces[i]!));
  if (end === 0) return { x: [], series: means.map(() => []) };
  const x = Array.from({ length: TIME_POINTS }, (_, i) => (end * (i + 1)) / TIME_POINTS);
  const series = means.map((values, run) =>
    // The last step that is done by then; a hair more, since the last point is the last step.
    x.map((time) => values[Math.floor(time / paces[run]! + 1e-9) - 1] ?? null),
  );
  return { x, series };
}

function padded(series: readonly number[][], length: number): (number | null)[][] {
  return series.map((values) => Array.from({ length }, (_, i) => values[i] ?? null));
}

/** The last mean of a run's losses; undefined before its first step. */
export function lossNow(losses: readonly number[]): number | undefined {
  return trailingMean(losses.slice(-WINDOW), WINDOW).at(-1);
}

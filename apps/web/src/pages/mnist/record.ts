/** Everything that a run has reported, as the page draws it and as the download has it. Pure: events in, columns out. */
import type { EngineReport } from '../../worker/engine-report.js';
import type { ByRun, Evaluation, MetaStep, Progress, RunName, Timing } from './contract.js';
import type { MnistSettings } from './settings.js';

export interface RunRecord {
  readonly step: number;
  /** Of each step's batch, before the step. */
  readonly losses: ByRun<readonly number[]>;
  readonly failedAt: ByRun<number | null>;
  readonly metaSteps: readonly MetaStep[];
  readonly evaluations: readonly Evaluation[];
  /** The answers to the test images at the last of them. */
  readonly answers: ByRun<Uint8Array> | null;
  readonly timing: ByRun<Timing>;
  readonly tensors: number;
}

const NO_TIME: Timing = { steps: 0, milliseconds: 0 };

export const EMPTY_RECORD: RunRecord = {
  step: 0,
  losses: { fixed: [], tuned: [] },
  failedAt: { fixed: null, tuned: null },
  metaSteps: [],
  evaluations: [],
  answers: null,
  timing: { fixed: NO_TIME, tuned: NO_TIME },
  tensors: 0,
};

/** The record with what `progress` adds. */
export function withProgress(record: RunRecord, progress: Progress): RunRecord {
  const { step, losses, failedAt, metaSteps, evaluation, answers, timing, tensors } = progress;
  return {
    step,
    losses: {
      fixed: [...record.losses.fixed, ...losses.fixed],
      tuned: [...record.losses.tuned, ...losses.tuned],
    },
    failedAt,
    metaSteps: [...record.metaSteps, ...metaSteps],
    evaluations: evaluation === null ? record.evaluations : [...record.evaluations, evaluation],
    answers: answers ?? record.answers,
    timing,
    tensors,
  };
}

/** The self-tuned rate at each of the first `steps` steps: from each meta-step on until the next; before the first `initial`. */
export function rateByStep(metaSteps: readonly MetaStep[], steps: number, initial: number): number[] {
  let next = 0;
  let rate = initial;
  return Array.from({ length: steps }, (_, i) => {
    for (; next < metaSteps.length && metaSteps[next]!.step <= i + 1; next++) rate = metaSteps[next]!.rate;
    return rate;
  });
}

/** Steps a second of one run; undefined before anything was timed. */
export function stepsPerSecond({ steps, milliseconds }: Timing): number | undefined {
  return steps === 0 || milliseconds === 0 ? undefined : (1000 * steps) / milliseconds;
}

/** By how much a self-tuned step takes longer than a fixed one, as a share; undefined before both were timed. */
export function overhead({ fixed, tuned }: ByRun<Timing>): number | undefined {
  const [of, to] = [stepsPerSecond(fixed), stepsPerSecond(tuned)];
  return of === undefined || to === undefined ? undefined : of / to - 1;
}

/** Places of wrong answers among the test images, in the order of the data. */
export function wrongAnswers(answers: Uint8Array, labels: Uint8Array): number[] {
  return Array.from(answers.keys()).filter((i) => answers[i] !== labels[i]);
}

/** The file that the page hands out. `address` is the query string that gives the run again. */
export function downloadable(
  record: RunRecord,
  settings: MnistSettings,
  engine: EngineReport | undefined,
  address: string,
): object {
  const perRun = (name: RunName): object => ({
    losses: record.losses[name],
    failedAt: record.failedAt[name],
    accuracy: record.evaluations.map(({ step, accuracy }) => ({ step, accuracy: accuracy[name] })),
    timing: record.timing[name],
  });
  return {
    format: 'apo-mnist-run',
    version: 1,
    address,
    settings,
    engine: engine ?? null,
    steps: record.step,
    fixed: perRun('fixed'),
    tuned: { ...perRun('tuned'), metaSteps: record.metaSteps },
  };
}

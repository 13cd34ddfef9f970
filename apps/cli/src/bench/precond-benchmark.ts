/** What `apo bench precond` measures: steps of the preconditioner in each form beside momentum, and what its meta-steps add. */
import type { Preset } from '@apo/core';
import type { NamedShape } from '@apo/precond';
import { benchModels } from './models.js';
import type { BenchModelName } from './models.js';
import { baseRatio, metaLimit, stepFlops } from './precond-flops.js';
import { prepareAll } from './round-robin.js';
import { median, relativeSpread } from './statistics.js';
import type { BenchEngineName, BenchForm, Meter, StepSubject } from './subject.js';

/** Networks of dense layers: their operations can be counted from the shapes. */
export const precondModels = ['mlp', 'autoencoder'] as const satisfies readonly BenchModelName[];
export type PrecondModel = (typeof precondModels)[number];

export interface FormStepTime {
  readonly model: PrecondModel;
  readonly engine: BenchEngineName;
  readonly rule: 'momentum' | BenchForm;
  /** Median over rounds of the time of a step; absent when the engine refused. */
  readonly milliseconds?: number;
  readonly spread?: number;
  /** Median over rounds of (time of a step) / (time of a step of momentum in the same round). */
  readonly ratio?: number;
  /** The same ratio of operations. */
  readonly flopRatio: number;
  readonly reason?: string;
}

export interface FormMetaOverhead {
  readonly model: PrecondModel;
  readonly engine: BenchEngineName;
  readonly form: BenchForm;
  readonly preset: Preset;
  readonly interval: number;
  /** Median over rounds of (time of a step with meta-steps) / (time of a base step of the same form in the same round). */
  readonly ratio?: number;
  /** The same ratio of operations. */
  readonly limit: number;
  readonly reason?: string;
}

export interface PrecondBenchmarkOptions {
  readonly models: readonly PrecondModel[];
  readonly forms: readonly BenchForm[];
  readonly rounds: number;
  /** Each measurement takes at least this long. */
  readonly seconds?: number;
  readonly shapesOf: (model: BenchModelName) => readonly NamedShape[];
}

const presets = ['paper', 'auto'] as const satisfies readonly Preset[];
const INTERVAL = 10;

/** The full form costs an order of magnitude more than the others, so it takes part in fewer rounds. */
const ROUNDS_OF_FULL = 2;

type Tell = (text: string) => void;

/** Base steps, without meta-steps. Every rule is measured in each round, momentum first. */
export async function measureFormSteps(
  meters: readonly Meter[],
  { models, forms, rounds, seconds = 0.25, shapesOf }: PrecondBenchmarkOptions,
  tell: Tell,
): Promise<FormStepTime[]> {
  const results: FormStepTime[] = [];
  const rules = ['momentum', ...forms] as const;
  for (const meter of meters) {
    for (const model of models) {
      tell(`${meter.engine}: steps of ${model}`);
      const subjects = rules.map((rule): StepSubject => ({ model, rule }));
      const series = await rounded(meter, subjects, { rounds, seconds, steps: 1 });
      results.push(
        ...rules.map((rule, i): FormStepTime => {
          const form = rule === 'momentum' ? undefined : rule;
          const flopRatio = baseRatio(stepFlops(shapesOf(model), benchModels[model].batchSize, form));
          const own = { model, engine: meter.engine, rule, flopRatio };
          const { times, reason } = series[i]!;
          if (reason !== undefined) return { ...own, reason };
          const ratios = ratiosTo(times, series[0]!.times);
          return {
            ...own,
            milliseconds: 1000 * median(times),
            spread: relativeSpread(times),
            ...(ratios.length > 0 && { ratio: median(ratios) }),
          };
        }),
      );
    }
  }
  return results;
}

/** A meta-step in every tenth step, under the safeguards of each preset, beside base steps of the same form. */
export async function measureFormMeta(
  meters: readonly Meter[],
  { models, forms, rounds, seconds = 0.25, shapesOf }: PrecondBenchmarkOptions,
  tell: Tell,
): Promise<FormMetaOverhead[]> {
  const results: FormMetaOverhead[] = [];
  for (const meter of meters) {
    for (const model of models) {
      for (const form of forms) {
        tell(`${meter.engine}: meta-steps of ${model}, ${form}`);
        const base: StepSubject = { model, rule: form };
        const subjects = [
          base,
          ...presets.map((preset) => ({ ...base, meta: { preset, interval: INTERVAL } })),
        ];
        const series = await rounded(meter, subjects, { rounds, seconds, steps: INTERVAL });
        const flops = stepFlops(shapesOf(model), benchModels[model].batchSize, form);
        results.push(
          ...presets.map((preset, i): FormMetaOverhead => {
            const limit = metaLimit(flops, preset, INTERVAL);
            const own = { model, engine: meter.engine, form, preset, interval: INTERVAL, limit };
            const { times, reason } = series[i + 1]!;
            const refusal = reason ?? series[0]!.reason;
            return refusal === undefined
              ? { ...own, ratio: median(ratiosTo(times, series[0]!.times)) }
              : { ...own, reason: refusal };
          }),
        );
      }
    }
  }
  return results;
}

interface Series {
  /** Seconds of a step in each round. */
  readonly times: readonly number[];
  readonly reason?: string;
}

/** Subjects in turn, round after round; each is measured in whole multiples of `steps`. */
async function rounded(
  meter: Meter,
  subjects: readonly StepSubject[],
  { rounds, seconds, steps }: { readonly rounds: number; readonly seconds: number; readonly steps: number },
): Promise<Series[]> {
  const reasons: (string | undefined)[] = [];
  for (const subject of subjects) reasons.push((await prepareAll([meter], subject))[0]);
  const times = subjects.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, subject] of subjects.entries()) {
      if (reasons[i] !== undefined || (subject.rule === 'full' && round >= ROUNDS_OF_FULL)) continue;
      const measured = await meter.measure(subject, { steps, seconds });
      times[i]!.push(measured.seconds / measured.steps);
    }
  }
  return times.map((own, i) => ({ times: own, ...(reasons[i] !== undefined && { reason: reasons[i] }) }));
}

/** The ratio of each round that both took part in. */
function ratiosTo(times: readonly number[], reference: readonly number[]): number[] {
  return times.flatMap((time, round) => (reference[round] === undefined ? [] : [time / reference[round]]));
}

/** What a step of each baseline costs beside a step of momentum, round after round, and which share of it goes into inverses. */
import { isApoError } from '@apo/core';
import type { BaselineName } from '../optimizers/names.js';
import { hasInverses, inverseInterval } from './baseline-steps.js';
import type { BenchModelName } from './models.js';
import { median, relativeSpread } from './statistics.js';
import type { BaselineSubject, BenchEngineName, Measurement, Meter, StepSubject } from './subject.js';

/** Of all steps in an interval, the one with the inversion included. */
export interface BaselineTime {
  readonly model: BenchModelName;
  readonly method: BaselineName;
  readonly engine: BenchEngineName;
  /** Steps from one inversion to the next; a measurement is made of whole intervals. */
  readonly interval: number;
  /** Median over rounds of the mean time of a step. */
  readonly milliseconds?: number;
  readonly spread?: number;
  /** Median over rounds of (time of a step) / (time of a step of momentum measured right before). */
  readonly ratio?: number;
  /** Median over rounds of 1 − (time of a step without inversions) / (time of a step); absent where there are none. A noisy machine can make it negative. */
  readonly inverseShare?: number;
  /** Why there is no time. */
  readonly reason?: string;
}

export interface BaselineBenchmarkOptions {
  readonly models: readonly BenchModelName[];
  readonly methods: readonly BaselineName[];
  readonly rounds: number;
  /** Each measurement takes at least this long. */
  readonly seconds?: number;
}

/**
 * A method that fails, while it is prepared or while it is measured, has a reason in place of times. Meters stay the caller's.
 * @param restart Makes another meter like one that is gone, for the methods after the one that ended it.
 * @param tell Hears what is being measured.
 */
export async function measureBaselines<M extends Meter>(
  meters: readonly M[],
  { models, methods, rounds, seconds = 0.25 }: BaselineBenchmarkOptions,
  restart: (gone: M) => Promise<M>,
  tell: (text: string) => void,
): Promise<BaselineTime[]> {
  const results: BaselineTime[] = [];
  for (const first of meters) {
    let meter = first;
    let isGone = false;
    for (const model of models) {
      for (const method of methods) {
        const { engine } = meter;
        tell(`${engine}: ${model}, ${method}`);
        const attempt = async (): Promise<Partial<BaselineTime>> => {
          if (isGone) meter = await restart(meter);
          isGone = false;
          return measureOne(meter, { model, method }, { rounds, seconds });
        };
        const measured = await attempt().catch((error: unknown) => {
          isGone ||= isApoError(error) && error.code === 'BACKEND_UNAVAILABLE';
          return { reason: error instanceof Error ? error.message : String(error) };
        });
        results.push({ model, method, engine, interval: inverseInterval(method), ...measured });
      }
    }
  }
  return results;
}

async function measureOne(
  meter: Meter,
  { model, method }: { readonly model: BenchModelName; readonly method: BaselineName },
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<Pick<BaselineTime, 'milliseconds' | 'spread' | 'ratio' | 'inverseShare'>> {
  const momentum: StepSubject = { model, rule: 'momentum' };
  const whole: BaselineSubject = { baseline: model, method, inverses: true };
  const without: BaselineSubject = { ...whole, inverses: false };
  const subjects = hasInverses(method) ? [momentum, whole, without] : [momentum, whole];
  for (const subject of subjects) await meter.prepare(subject);
  const steps = inverseInterval(method);
  const times: number[] = [];
  const ratios: number[] = [];
  const shares: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const base = perStep(await meter.measure(momentum, { steps: 1, seconds }));
    const own = perStep(await meter.measure(whole, { steps, seconds }));
    times.push(own);
    ratios.push(own / base);
    if (hasInverses(method)) {
      shares.push(1 - perStep(await meter.measure(without, { steps, seconds })) / own);
    }
  }
  return {
    milliseconds: 1000 * median(times),
    spread: relativeSpread(times),
    ratio: median(ratios),
    ...(shares.length > 0 && { inverseShare: median(shares) }),
  };
}

function perStep({ seconds, steps }: Measurement): number {
  return seconds / steps;
}

/** The benchmark: every engine in turn, round after round, so that a busy moment of the machine hits all of them alike. */
import type { Preset } from '@apo/core';
import { arithmeticLimit } from './meta-limit.js';
import type { BenchModelName } from './models.js';
import { prepareAll, roundRobin } from './round-robin.js';
import type { Timing } from './round-robin.js';
import { median } from './statistics.js';
import type { BenchEngineName, BenchRule, Meter, StepSubject } from './subject.js';

export interface StepTime extends Timing {
  readonly model: BenchModelName;
  readonly rule: BenchRule;
  readonly engine: BenchEngineName;
}

export interface MetaOverhead {
  readonly model: BenchModelName;
  readonly rule: BenchRule;
  readonly engine: BenchEngineName;
  readonly preset: Preset;
  readonly interval: number;
  /** Median over rounds of (time of a step with meta-steps) / (time of a base step measured right before). */
  readonly ratio?: number;
  /** The same ratio if nothing but the forward and backward passes cost time. */
  readonly limit: number;
  readonly reason?: string;
}

export interface BenchmarkOptions {
  readonly models: readonly BenchModelName[];
  readonly rules: readonly BenchRule[];
  readonly rounds: number;
  /** Networks on which meta-steps are measured; empty for none. */
  readonly metaModels: readonly BenchModelName[];
  /** Each measurement takes at least this long. */
  readonly seconds?: number;
}

const presets = ['paper', 'auto'] as const;
const intervals = [10, 100] as const;

/** Times base steps of every model and rule on every engine. `tell` hears what is being measured. */
export async function measureSteps(
  meters: readonly Meter[],
  { models, rules, rounds, seconds = 0.25 }: BenchmarkOptions,
  tell: (text: string) => void,
): Promise<StepTime[]> {
  const results: StepTime[] = [];
  for (const model of models) {
    for (const rule of rules) {
      tell(`${model}, ${rule}`);
      const timings = await roundRobin(meters, { model, rule }, { rounds, seconds });
      results.push(...timings.map((timing, i) => ({ model, rule, engine: meters[i]!.engine, ...timing })));
    }
  }
  return results;
}

/** Times steps with meta-steps against base steps of the same engine, for both presets at K = 10 and 100. */
export async function measureMeta(
  meters: readonly Meter[],
  { rules, rounds, metaModels, seconds = 0.25 }: BenchmarkOptions,
  tell: (text: string) => void,
): Promise<MetaOverhead[]> {
  const results: MetaOverhead[] = [];
  for (const meter of meters.filter(({ engine }) => engine !== 'stock-wasm')) {
    for (const { model, rule, preset, interval } of metaCases(metaModels, rules)) {
      const { engine } = meter;
      tell(`${engine}: meta-steps of ${model}, ${rule}, ${preset}, K = ${interval}`);
      const base: StepSubject = { model, rule };
      const adapted: StepSubject = { ...base, meta: { preset, interval } };
      const reason = (await prepareAll([meter], base))[0] ?? (await prepareAll([meter], adapted))[0];
      const ratio =
        reason === undefined
          ? await overhead(meter, base, adapted, { rounds, seconds, interval })
          : undefined;
      const limit = arithmeticLimit(preset, interval);
      const measured = { ...(ratio !== undefined && { ratio }), ...(reason !== undefined && { reason }) };
      results.push({ model, rule, engine, preset, interval, limit, ...measured });
    }
  }
  return results;
}

/** Median over rounds; each round measures one right after the other. */
async function overhead(
  meter: Meter,
  base: StepSubject,
  adapted: StepSubject,
  {
    rounds,
    seconds,
    interval,
  }: { readonly rounds: number; readonly seconds: number; readonly interval: number },
): Promise<number> {
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const fixed = await meter.measure(base, { steps: 10, seconds });
    const meta = await meter.measure(adapted, { steps: interval, seconds });
    ratios.push(meta.seconds / meta.steps / (fixed.seconds / fixed.steps));
  }
  return median(ratios);
}

type MetaCase = Pick<MetaOverhead, 'model' | 'rule' | 'preset' | 'interval'>;

function metaCases(models: readonly BenchModelName[], rules: readonly BenchRule[]): MetaCase[] {
  return models.flatMap((model) =>
    rules.flatMap((rule) =>
      intervals.flatMap((interval) => presets.map((preset) => ({ model, rule, preset, interval }))),
    ),
  );
}

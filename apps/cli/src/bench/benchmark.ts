/** The benchmark: every engine in turn, round after round, so that a busy moment of the machine hits all of them alike. */
import type { Preset } from '@apo/core';
import { arithmeticLimit } from './meta-limit.js';
import type { BenchModelName } from './models.js';
import { median, relativeSpread } from './statistics.js';
import type { BenchEngineName, BenchRule, Meter, Subject } from './subject.js';

export interface StepTime {
  readonly model: BenchModelName;
  readonly rule: BenchRule;
  readonly engine: BenchEngineName;
  /** Median over rounds of the time of a step; absent when the engine could not train it. */
  readonly milliseconds?: number;
  /** Half the interquartile range divided by the median. */
  readonly spread?: number;
  /** Why there is no time. */
  readonly reason?: string;
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
      const subject: Subject = { model, rule };
      tell(`${model}, ${rule}`);
      const refused = await prepareAll(meters, subject);
      const able = meters.filter((meter) => !refused.has(meter.engine));
      const times = new Map<BenchEngineName, number[]>(able.map((meter) => [meter.engine, []]));
      for (let round = 0; round < rounds; round++) {
        for (const meter of able) {
          const { steps, seconds: taken } = await meter.measure(subject, { steps: 1, seconds });
          times.get(meter.engine)!.push((1000 * taken) / steps);
        }
      }
      for (const { engine } of meters) {
        const reason = refused.get(engine);
        const own = times.get(engine) ?? [];
        const measured = { milliseconds: median(own), spread: relativeSpread(own) };
        results.push({ model, rule, engine, ...(reason === undefined ? measured : { reason }) });
      }
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
      const base: Subject = { model, rule };
      const adapted: Subject = { ...base, meta: { preset, interval } };
      const reason =
        (await prepareAll([meter], base)).get(engine) ?? (await prepareAll([meter], adapted)).get(engine);
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
  base: Subject,
  adapted: Subject,
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

/** Prepares the subject on each meter; the reasons of those that cannot. */
async function prepareAll(meters: readonly Meter[], subject: Subject): Promise<Map<BenchEngineName, string>> {
  const refused = new Map<BenchEngineName, string>();
  for (const meter of meters) {
    try {
      await meter.prepare(subject);
    } catch (error) {
      refused.set(meter.engine, error instanceof Error ? error.message : String(error));
    }
  }
  return refused;
}

/** What `apo bench gpu` measures: matrix products by size, training steps, what meta-steps add, and what a step asks of the device. */
import type { KernelComparison } from '@apo/backend-webgpu';
import { inverseInterval } from './baseline-steps.js';
import { measureProducts } from './engine-benchmark.js';
import type { Contestant, ProductRate } from './engine-benchmark.js';
import type { BenchModelName, BenchScale } from './models.js';
import { prepareAll } from './round-robin.js';
import { median, relativeSpread } from './statistics.js';
import type { BaselineSubject, StepCounts, StepSubject, UpdateSubject } from './subject.js';

/** Optimizers by the names of `apo run`, except that `precond` is the preconditioner without meta-steps. */
export const gpuOptimizers = ['momentum', 'adam', 'adam-apo', 'precond', 'apo-precond', 'kfac'] as const;
export type GpuOptimizer = (typeof gpuOptimizers)[number];

/** With meta-steps: without. */
const adapted: Readonly<Partial<Record<GpuOptimizer, GpuOptimizer>>> = {
  'adam-apo': 'adam',
  'apo-precond': 'precond',
};

/** A meta-step in every tenth step, as in the paper's experiments. */
export const META_INTERVAL = 10;

export interface GpuStepTime {
  readonly model: BenchModelName;
  readonly optimizer: GpuOptimizer;
  readonly contestant: string;
  /** Median over rounds. */
  readonly milliseconds?: number;
  readonly spread?: number;
  /** With meta-steps: median over rounds of (time of a step) / (time of a step without, in the same round). */
  readonly metaRatio?: number;
  readonly counts?: StepCounts;
  readonly reason?: string;
}

export interface UpdateCounts {
  readonly model: BenchModelName;
  readonly rule: UpdateSubject['rule'];
  readonly contestant: string;
  readonly dispatches?: number;
  readonly boundBytes?: number;
  readonly reason?: string;
}

export interface GpuBenchmarkOptions {
  readonly models: readonly BenchModelName[];
  readonly optimizers: readonly GpuOptimizer[];
  readonly scale: BenchScale;
  readonly rounds: number;
  /** Each measurement takes at least this long. */
  readonly seconds: number;
}

export interface GpuResults {
  readonly products: readonly ProductRate[];
  readonly steps: readonly GpuStepTime[];
  readonly updates: readonly UpdateCounts[];
  readonly kernels: readonly KernelComparison[];
  /** Why `kernels` is empty, where it should not be. */
  readonly kernelReason?: string;
}

type Tell = (text: string) => void;

const productSides: Readonly<Record<BenchScale, readonly number[]>> = {
  full: [64, 128, 256, 512, 1024, 2048, 4096],
  small: [32, 64, 128, 256],
};

export function squareProducts(scale: BenchScale): [number, number, number][] {
  return productSides[scale].map((side) => [side, side, side]);
}

export function subjectOf(
  model: BenchModelName,
  optimizer: GpuOptimizer,
  scale: BenchScale,
): StepSubject | BaselineSubject {
  const meta = { preset: 'paper', interval: META_INTERVAL } as const;
  switch (optimizer) {
    case 'momentum':
    case 'adam':
      return { model, rule: optimizer, scale };
    case 'adam-apo':
      return { model, rule: 'adam', meta, scale };
    case 'precond':
      return { model, rule: 'low-rank', scale };
    case 'apo-precond':
      return { model, rule: 'low-rank', meta, scale };
    case 'kfac':
      return { baseline: model, method: 'kfac', inverses: true, scale };
    default:
      return optimizer satisfies never;
  }
}

export async function measureGpu(
  contestants: readonly Contestant[],
  options: GpuBenchmarkOptions & { readonly products: boolean; readonly kernels: boolean },
  tell: Tell,
): Promise<GpuResults> {
  const { scale, rounds, seconds } = options;
  const products = options.products
    ? await measureProducts(contestants, squareProducts(scale), { rounds, seconds }, tell)
    : [];
  const updates = await countUpdates(contestants, scale, tell);
  const steps: GpuStepTime[] = [];
  for (const model of options.models) steps.push(...(await measureModel(contestants, model, options, tell)));
  return {
    products,
    steps,
    updates,
    ...(options.kernels ? await compare(contestants, options, tell) : { kernels: [] }),
  };
}

/** Kernel by kernel, where an engine can tell. */
async function compare(
  contestants: readonly Contestant[],
  options: GpuBenchmarkOptions,
  tell: Tell,
): Promise<Pick<GpuResults, 'kernels' | 'kernelReason'>> {
  tell('kernel by kernel');
  const own: { reason?: string; kernels?: readonly KernelComparison[] } = {};
  await attempt(own, async () => {
    for (const { meter } of contestants) {
      const kernels = await meter.compareKernels?.({ scale: options.scale, rounds: options.rounds });
      if (kernels !== undefined) own.kernels = kernels;
    }
  });
  return { kernels: own.kernels ?? [], ...(own.reason !== undefined && { kernelReason: own.reason }) };
}

/** Every optimizer on one network, in each round one contestant after the other. */
async function measureModel(
  contestants: readonly Contestant[],
  model: BenchModelName,
  { optimizers, scale, rounds, seconds }: GpuBenchmarkOptions,
  tell: Tell,
): Promise<GpuStepTime[]> {
  const series = new Map<string, { times: number[]; reason?: string; counts?: StepCounts }>();
  const of = (optimizer: GpuOptimizer, label: string) => {
    const name = `${optimizer} ${label}`;
    const own = series.get(name) ?? { times: [] };
    series.set(name, own);
    return own;
  };
  for (const optimizer of optimizers) {
    tell(`${model}, ${optimizer}`);
    const subject = subjectOf(model, optimizer, scale);
    const reasons = await prepareAll(
      contestants.map(({ meter }) => meter),
      subject,
    );
    for (const [i, { label, meter }] of contestants.entries()) {
      const own = of(optimizer, label);
      if (reasons[i] !== undefined) own.reason = reasons[i];
      else await attempt(own, async () => setCounts(own, await meter.count?.(subject, leastSteps(subject))));
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const optimizer of optimizers) {
      for (const { label, meter } of contestants) {
        const own = of(optimizer, label);
        if (own.reason !== undefined) continue;
        await attempt(own, async () => {
          const subject = subjectOf(model, optimizer, scale);
          const measured = await meter.measure(subject, { steps: leastSteps(subject), seconds });
          own.times.push((1000 * measured.seconds) / measured.steps);
        });
      }
    }
  }
  return optimizers.flatMap((optimizer) =>
    contestants.map(({ label }) => {
      const { times, reason, counts } = of(optimizer, label);
      const base = adapted[optimizer];
      const ratios = base === undefined ? [] : ratiosTo(times, of(base, label).times);
      return {
        model,
        optimizer,
        contestant: label,
        ...(reason === undefined
          ? { milliseconds: median(times), spread: relativeSpread(times) }
          : { reason }),
        ...(ratios.length > 0 && { metaRatio: median(ratios) }),
        ...(counts !== undefined && { counts }),
      };
    }),
  );
}

/** The update of ResNet-18 alone, whose 62 variables are what fused updates are for. */
async function countUpdates(
  contestants: readonly Contestant[],
  scale: BenchScale,
  tell: Tell,
): Promise<UpdateCounts[]> {
  const results: UpdateCounts[] = [];
  for (const rule of ['momentum', 'adam'] as const) {
    const subject: UpdateSubject = { update: 'resnet18', rule, scale };
    tell(`update of ${subject.update}, ${rule}`);
    for (const { label: contestant, meter } of contestants) {
      if (meter.count === undefined) continue;
      const own: { reason?: string; counts?: StepCounts } = {};
      await attempt(own, async () => {
        await meter.prepare(subject);
        setCounts(own, await meter.count?.(subject, 1));
      });
      const { reason, counts } = own;
      results.push({
        model: subject.update,
        rule,
        contestant,
        ...(counts && { dispatches: counts.dispatches, boundBytes: counts.boundBytes }),
        ...(reason !== undefined && { reason }),
      });
    }
  }
  return results;
}

function setCounts(own: { counts?: StepCounts }, counts: StepCounts | undefined): void {
  if (counts !== undefined) own.counts = counts;
}

/** A subject that fails has a reason from then on. */
async function attempt(own: { reason?: string }, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    own.reason = error instanceof Error ? error.message : String(error);
  }
}

/** Whole intervals of meta-steps or inversions. */
function leastSteps(subject: StepSubject | BaselineSubject): number {
  if ('baseline' in subject) return inverseInterval(subject.method);
  return subject.meta?.interval ?? 1;
}

/** The ratio of each round that both took part in. */
function ratiosTo(times: readonly number[], reference: readonly number[]): number[] {
  return times.flatMap((time, round) => (reference[round] === undefined ? [] : [time / reference[round]]));
}

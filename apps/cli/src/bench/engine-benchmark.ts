/** What `apo bench engine` measures: the engines beside each other on training steps, matrix products and updates. */
import type { BenchModelName } from './models.js';
import { roundRobin } from './round-robin.js';
import type { RoundRobinOptions, Timing } from './round-robin.js';
import type { BenchRule, SubjectMeter, UpdateSubject } from './subject.js';

/** One column of the tables: an engine with a number of threads, or a peer outside of JavaScript. */
export interface Contestant {
  readonly label: string;
  readonly threads: number;
  readonly meter: SubjectMeter;
}

export interface EngineStepTime extends Timing {
  readonly model: BenchModelName;
  readonly contestant: string;
}

export interface ProductRate extends Timing {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly contestant: string;
  /** 10⁹ multiplications and additions in a second: 2 · rows · inner · columns / time. */
  readonly gigaflops?: number;
}

export interface UpdateTime extends Timing {
  readonly parameters: number;
  readonly rule: BenchRule;
  readonly contestant: string;
}

type Tell = (text: string) => void;

/** Training steps of momentum. */
export async function measureEngineSteps(
  contestants: readonly Contestant[],
  models: readonly BenchModelName[],
  options: RoundRobinOptions,
  tell: Tell,
): Promise<EngineStepTime[]> {
  const results: EngineStepTime[] = [];
  for (const model of models) {
    tell(`${model}, momentum`);
    const timings = await roundRobin(meters(contestants), { model, rule: 'momentum' }, options);
    results.push(...timings.map((timing, i) => ({ model, contestant: contestants[i]!.label, ...timing })));
  }
  return results;
}

/** Squares under every transposition, and the thin shapes that training meets. */
export const productShapes: readonly (readonly [number, number, number])[] = [
  [64, 64, 64],
  [128, 128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [1024, 1024, 1024],
  [1, 784, 1000],
  [16, 784, 1000],
  [1000, 10, 1000],
  [100, 1000, 10],
];

const transpositions = [
  { transposeA: false, transposeB: false },
  { transposeA: true, transposeB: false },
  { transposeA: false, transposeB: true },
  { transposeA: true, transposeB: true },
] as const;

export async function measureProducts(
  contestants: readonly Contestant[],
  shapes: readonly (readonly [number, number, number])[],
  options: RoundRobinOptions,
  tell: Tell,
): Promise<ProductRate[]> {
  const results: ProductRate[] = [];
  for (const product of shapes) {
    const [rows, inner, columns] = product;
    tell(`products ${product.join('×')}`);
    for (const transposition of transpositions) {
      const timings = await roundRobin(meters(contestants), { product, ...transposition }, options);
      for (const [i, timing] of timings.entries()) {
        const { milliseconds } = timing;
        const gigaflops =
          milliseconds === undefined
            ? {}
            : { gigaflops: (2 * rows * inner * columns) / (milliseconds * 1e6) };
        const contestant = contestants[i]!.label;
        results.push({ rows, inner, columns, ...transposition, contestant, ...timing, ...gigaflops });
      }
    }
  }
  return results;
}

/** The update of the MLP's 1,796,010 parameters. */
export async function measureUpdates(
  contestants: readonly Contestant[],
  rules: readonly BenchRule[],
  options: RoundRobinOptions,
  tell: Tell,
): Promise<UpdateTime[]> {
  const results: UpdateTime[] = [];
  for (const rule of rules) {
    tell(`update, ${rule}`);
    const subject: UpdateSubject = { update: 'mlp', rule };
    const timings = await roundRobin(meters(contestants), subject, options);
    for (const [i, timing] of timings.entries()) {
      results.push({ parameters: 1_796_010, rule, contestant: contestants[i]!.label, ...timing });
    }
  }
  return results;
}

function meters(contestants: readonly Contestant[]): SubjectMeter[] {
  return contestants.map(({ meter }) => meter);
}

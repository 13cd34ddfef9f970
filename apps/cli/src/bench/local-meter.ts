/** Measures in this process, on the backend that is current. */
import { requireArgument } from '@apo/core';
import { baselineSteps } from './baseline-steps.js';
import { createBenchModel } from './models.js';
import type { BenchModel, BenchModelName } from './models.js';
import type { PreparedSteps } from './prepared-steps.js';
import { productSteps } from './product-steps.js';
import type { BaselineSubject, BenchEngineName, Measurement, Meter, Subject } from './subject.js';
import { trainingSteps } from './training-steps.js';
import { updateSteps } from './update-steps.js';

/** Milliseconds of untimed steps before the first measurement, if two steps take less. */
const WARM_UP = 1000;

export class LocalMeter implements Meter {
  private readonly prepared = new Map<string, PreparedSteps>();
  private model: { readonly name: BenchModelName; readonly built: BenchModel } | undefined;

  constructor(readonly engine: BenchEngineName) {}

  async prepare(subject: Subject): Promise<void> {
    this.release(subject);
    const steps = this.stepsOf(subject);
    this.prepared.set(key(subject), steps);
    // The first steps allocate, calibrate and compile; an interval is also brought to its beginning.
    const untimed = 'model' in subject && subject.meta !== undefined ? subject.meta.interval : 2;
    // Compilers of the language take a while to see which code is hot; in training that is over after the first seconds.
    const start = performance.now();
    do {
      for (let i = 0; i < untimed; i++) await run(steps);
    } while (performance.now() - start < WARM_UP);
  }

  async measure(
    subject: Subject,
    minimum: { readonly steps: number; readonly seconds: number },
  ): Promise<Measurement> {
    const prepared = this.prepared.get(key(subject));
    requireArgument(prepared !== undefined, () => `${key(subject)} was not prepared; call prepare first.`);
    const start = performance.now();
    let steps = 0;
    let seconds: number;
    do {
      for (let i = 0; i < minimum.steps; i++) await run(prepared);
      steps += minimum.steps;
      seconds = (performance.now() - start) / 1000;
    } while (seconds < minimum.seconds);
    return { steps, seconds };
  }

  dispose(): Promise<void> {
    this.free();
    return Promise.resolve();
  }

  private stepsOf(subject: Subject): PreparedSteps {
    if ('product' in subject) {
      this.free();
      return productSteps(subject);
    }
    if ('baseline' in subject) return baselineSteps(this.modelOf(subject.baseline), subject);
    return 'update' in subject
      ? updateSteps(this.engine, this.modelOf(subject.update), subject)
      : trainingSteps(this.engine, this.modelOf(subject.model), subject);
  }

  /** One network is kept at a time, and what was prepared on it. */
  private modelOf(name: BenchModelName): BenchModel {
    if (this.model?.name !== name) {
      this.free();
      this.model = { name, built: createBenchModel(name) };
    }
    return this.model.built;
  }

  /** Frees what was prepared as this subject, and the other baselines, whose factors would pile up. */
  private release(subject: Subject): void {
    const own = key(subject);
    const ofMethod = 'baseline' in subject ? methodKey(subject) : undefined;
    for (const [name, steps] of this.prepared) {
      const isOther = ofMethod !== undefined && name.startsWith('baseline ') && !name.startsWith(ofMethod);
      if (name !== own && !isOther) continue;
      steps.dispose();
      this.prepared.delete(name);
    }
  }

  private free(): void {
    for (const prepared of this.prepared.values()) prepared.dispose();
    this.prepared.clear();
    this.model?.built.dispose();
    this.model = undefined;
  }
}

function key(subject: Subject): string {
  if ('product' in subject) {
    const { product, transposeA, transposeB } = subject;
    return `product ${product.join('×')} ${transposeA} ${transposeB}`;
  }
  if ('update' in subject) return `update ${subject.update} ${subject.rule}`;
  if ('baseline' in subject) return `${methodKey(subject)}${subject.inverses}`;
  const { model, rule, meta } = subject;
  return `${model} ${rule}${meta === undefined ? '' : ` ${meta.preset} ${meta.interval}`}`;
}

/** What the keys of a method on a network begin with. */
function methodKey({ baseline, method }: BaselineSubject): string {
  return `baseline ${baseline} ${method} `;
}

/** Reading the loss waits for an engine that computes in the background. */
async function run({ step }: PreparedSteps): Promise<void> {
  const loss = step();
  await loss?.data();
  loss?.dispose();
}

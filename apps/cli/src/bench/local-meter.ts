/** Measures in this process, on the backend that is current. */
import { canTimeGpu, compareKernels } from '@apo/backend-webgpu';
import type { KernelComparison } from '@apo/backend-webgpu';
import { requireArgument } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { baselineSteps } from './baseline-steps.js';
import { countWork, heldBytes } from './gpu-counts.js';
import { createBenchModel } from './models.js';
import type { BenchModel, BenchModelName, BenchScale } from './models.js';
import type { PreparedSteps } from './prepared-steps.js';
import { productSteps } from './product-steps.js';
import { isDeviceEngine } from './subject.js';
import type {
  BaselineSubject,
  BenchEngineName,
  DeviceFacts,
  KernelOptions,
  Measurement,
  Meter,
  StepCounts,
  Subject,
} from './subject.js';
import { trainingSteps } from './training-steps.js';
import { updateSteps } from './update-steps.js';

/** Milliseconds of untimed steps before the first measurement, if two steps take less. */
const WARM_UP = 1000;

export class LocalMeter implements Meter {
  private readonly prepared = new Map<string, PreparedSteps>();
  private model:
    { readonly name: BenchModelName; readonly scale: BenchScale; readonly built: BenchModel } | undefined;

  /** @param device What the engine computes on, where that is not the processor. */
  constructor(
    readonly engine: BenchEngineName,
    readonly device?: DeviceFacts,
  ) {}

  async prepare(subject: Subject): Promise<void> {
    this.release(subject);
    const steps = this.stepsOf(subject);
    this.prepared.set(key(subject), steps);
    // The first steps allocate, calibrate and compile; an interval is also brought to its beginning.
    const untimed = 'model' in subject && subject.meta !== undefined ? subject.meta.interval : 2;
    // Compilers of the language take a while to see which code is hot; in training that is over after the first seconds.
    const start = performance.now();
    do {
      await this.run(steps, untimed);
    } while (performance.now() - start < WARM_UP);
  }

  async measure(
    subject: Subject,
    minimum: { readonly steps: number; readonly seconds: number },
  ): Promise<Measurement> {
    const prepared = this.preparedAs(subject);
    const start = performance.now();
    let steps = 0;
    let seconds: number;
    let chunk = minimum.steps;
    do {
      await this.run(prepared, chunk);
      steps += chunk;
      seconds = (performance.now() - start) / 1000;
      // A device is waited for after every chunk, which must not be what is measured: the next one takes the rest of the time.
      if (isDeviceEngine(this.engine)) chunk = wholeChunks(minimum, { steps, seconds });
    } while (seconds < minimum.seconds);
    return { steps, seconds };
  }

  async count(subject: Subject, steps: number): Promise<StepCounts | undefined> {
    const prepared = this.preparedAs(subject);
    if (tf.getBackend() !== 'webgpu') return undefined;
    const { dispatches, boundBytes, copiedBytes, readBacks } = await countWork(async () => {
      for (let i = 0; i < steps; i++) {
        await prepared.readAhead?.();
        prepared.step()?.dispose();
      }
    });
    return {
      dispatches: dispatches / steps,
      boundBytes: boundBytes / steps,
      copiedBytes: copiedBytes / steps,
      readBacks: readBacks / steps,
      heldBytes: heldBytes(),
    };
  }

  async compareKernels(options: KernelOptions): Promise<readonly KernelComparison[] | undefined> {
    return this.engine === 'webgpu' && canTimeGpu() ? compareKernels(options) : undefined;
  }

  dispose(): Promise<void> {
    this.free();
    return Promise.resolve();
  }

  private preparedAs(subject: Subject): PreparedSteps {
    const prepared = this.prepared.get(key(subject));
    requireArgument(prepared !== undefined, () => `${key(subject)} was not prepared; call prepare first.`);
    return prepared;
  }

  /** Steps one after the other until the engine has done all of them. */
  private async run(prepared: PreparedSteps, count: number): Promise<void> {
    const waitsAtTheEnd = isDeviceEngine(this.engine);
    for (let i = 0; i < count; i++) {
      if (waitsAtTheEnd) await prepared.readAhead?.();
      const loss = prepared.step();
      if (!waitsAtTheEnd) await loss?.data();
      loss?.dispose();
    }
    if (waitsAtTheEnd) await deviceIsDone();
  }

  private stepsOf(subject: Subject): PreparedSteps {
    if ('product' in subject) {
      this.free();
      return productSteps(subject);
    }
    if ('baseline' in subject) return baselineSteps(this.modelOf(subject.baseline, subject.scale), subject);
    return 'update' in subject
      ? updateSteps(this.engine, this.modelOf(subject.update, subject.scale), subject)
      : trainingSteps(this.engine, this.modelOf(subject.model, subject.scale), subject);
  }

  /** One network is kept at a time, and what was prepared on it. */
  private modelOf(name: BenchModelName, scale: BenchScale = 'full'): BenchModel {
    if (this.model?.name !== name || this.model.scale !== scale) {
      this.free();
      this.model = { name, scale, built: createBenchModel(name, { scale }) };
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

/** Names a subject. */
export function key(subject: Subject): string {
  if ('product' in subject) {
    const { product, transposeA, transposeB } = subject;
    return `product ${product.join('×')} ${transposeA} ${transposeB}`;
  }
  const small = subject.scale === 'small' ? ' small' : '';
  if ('update' in subject) return `update ${subject.update}${small} ${subject.rule}`;
  if ('baseline' in subject) return `${methodKey(subject)}${subject.inverses}`;
  const { model, rule, meta } = subject;
  return `${model}${small} ${rule}${meta === undefined ? '' : ` ${meta.preset} ${meta.interval}`}`;
}

/** What the keys of a method on a network begin with. */
function methodKey({ baseline, scale, method }: BaselineSubject): string {
  return `baseline ${baseline}${scale === 'small' ? ' small' : ''} ${method} `;
}

/** Whole multiples of the least number of steps that fill what is left of the time. */
function wholeChunks(
  minimum: { readonly steps: number; readonly seconds: number },
  { steps, seconds }: Measurement,
): number {
  const left = ((minimum.seconds - seconds) * steps) / Math.max(seconds, 1e-6);
  return minimum.steps * Math.max(1, Math.ceil(left / minimum.steps));
}

/** A device does its work in order: what is filled now can be read when everything before it is done. */
async function deviceIsDone(): Promise<void> {
  const last = tf.fill([2], 1);
  await last.data();
  last.dispose();
}

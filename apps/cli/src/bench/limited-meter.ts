/** A meter that takes only so long for a subject: the process of one that takes longer is ended, and another is started for the next. */
import type { KernelComparison } from '@apo/backend-webgpu';
import { ApoError } from '@apo/core';
import { key } from './local-meter.js';
import type { KernelOptions, Measurement, Meter, StepCounts, Subject, SubjectMeter } from './subject.js';

type StartedMeter = Meter & { readonly threads: number };

export class LimitedMeter implements SubjectMeter {
  private readonly prepared = new Set<string>();
  private readonly refused = new Map<string, string>();

  /**
   * @param meter The first one; it and those that follow belong to this.
   * @param start Makes another like it.
   * @param seconds Each preparation, measurement or count may take.
   */
  constructor(
    private meter: StartedMeter | undefined,
    private readonly start: () => Promise<StartedMeter>,
    private readonly seconds: number,
  ) {}

  async prepare(subject: Subject): Promise<void> {
    await this.limited(key(subject), async (meter) => meter.prepare(subject));
    this.prepared.add(key(subject));
  }

  async measure(
    subject: Subject,
    minimum: { readonly steps: number; readonly seconds: number },
  ): Promise<Measurement> {
    await this.prepareAgain(subject);
    return this.limited(key(subject), (meter) => meter.measure(subject, minimum));
  }

  async count(subject: Subject, steps: number): Promise<StepCounts | undefined> {
    await this.prepareAgain(subject);
    return this.limited(key(subject), async (meter) => meter.count?.(subject, steps));
  }

  async compareKernels(options: KernelOptions): Promise<readonly KernelComparison[] | undefined> {
    return this.limited('kernels', async (meter) => meter.compareKernels?.(options));
  }

  async dispose(): Promise<void> {
    await this.meter?.dispose();
    this.meter = undefined;
  }

  /** What the process before this one had prepared is gone with it. */
  private async prepareAgain(subject: Subject): Promise<void> {
    if (!this.prepared.has(key(subject))) await this.prepare(subject);
  }

  private async limited<T>(name: string, work: (meter: StartedMeter) => Promise<T>): Promise<T> {
    const refusal = this.refused.get(name);
    if (refusal !== undefined) throw new ApoError('UNSUPPORTED', refusal);
    const meter = (this.meter ??= await this.start());
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), this.seconds * 1000);
    });
    const done = work(meter).then((value) => ({ value }));
    // When the time is up its error is that of the process that was ended.
    done.catch(() => undefined);
    try {
      const outcome = await Promise.race([done, late]);
      if (outcome !== 'late') return outcome.value;
    } catch (error) {
      // A process that ended by itself leaves nothing to go on with.
      if (error instanceof ApoError && error.code === 'BACKEND_UNAVAILABLE') await this.give(meter);
      throw error;
    } finally {
      clearTimeout(timer);
    }
    const reason = `it takes longer than the limit of ${this.seconds} s`;
    this.refused.set(name, reason);
    await this.give(meter);
    throw new ApoError('UNSUPPORTED', reason);
  }

  private async give(meter: StartedMeter): Promise<void> {
    this.meter = undefined;
    this.prepared.clear();
    await (meter.kill === undefined ? meter.dispose() : meter.kill());
  }
}

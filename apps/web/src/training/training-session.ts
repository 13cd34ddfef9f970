/** The worker's half of a run: prepare, train in groups of steps, report, pause. One run at a time; whoever starts another ends the one before. */
import * as tf from '@tensorflow/tfjs-core';
import { nextTask } from './next-task.js';

/** What is trained. */
export interface Trainee {
  /** Steps taken so far. */
  readonly step: number;
  /** Whether nothing can go on. */
  readonly over: boolean;
  dispose(): void;
}

export interface Prepared<T, A> {
  readonly trainee: T;
  /** Where the run ends. */
  readonly steps: number;
  /** What the page is told. */
  readonly answer: A;
}

export interface TrainingSessionOptions {
  /** A group of steps ends at each multiple of it, however many are taken at a time. */
  readonly groupEnd: number;
  /** Milliseconds that a group is to take, about. */
  readonly reportEvery: number;
  readonly onFinished: () => void;
  /** Told of an error in the middle of a run. */
  readonly fail: (error: unknown) => void;
  readonly now?: (() => number) | undefined;
}

interface Running<T> {
  readonly trainee: T;
  readonly steps: number;
  /** Set to end it. */
  ended: boolean;
  paused: boolean;
  /** Resolves when the loop has left it. */
  loop: Promise<void>;
  /** Called to go on; there while it is paused. */
  wake: (() => void) | undefined;
}

/** `Q`: what a start asks for, `T`: what is trained, `A`: the answer to a start. */
export abstract class TrainingSession<Q, T extends Trainee, A> {
  private running: Running<T> | undefined;
  private hasEngine = false;
  /** Starts and stops come one after the other, even when a reader is quick. */
  private turn: Promise<unknown> = Promise.resolve();

  protected constructor(private readonly training: TrainingSessionOptions) {}

  /** @throws what the engine, the data or the optimizers throw; nothing runs then. */
  start(request: Q): Promise<A> {
    return this.inTurn(() => this.begin(request));
  }

  pause(): void {
    if (this.running !== undefined) this.running.paused = true;
  }

  resume(): void {
    const { running } = this;
    if (running === undefined) return;
    running.paused = false;
    running.wake?.();
  }

  /** Ends what runs and frees it; resolves with the number of tensors that are left. */
  stop(): Promise<number> {
    return this.inTurn(async () => {
      await this.end();
      // Without an engine there is nobody to ask.
      return this.hasEngine ? tf.memory().numTensors : 0;
    });
  }

  /** What is trained now, if anything. */
  protected get trainee(): T | undefined {
    return this.running?.trainee;
  }

  /** Loads what is missing, starts the engine, and makes what is trained. */
  protected abstract prepare(request: Q): Promise<Prepared<T, A>>;

  /** Takes `count` steps, none at the start, and reports what they gave; `isLast` when the run ends with them. */
  protected abstract report(trainee: T, count: number, isLast: () => boolean): Promise<void>;

  private inTurn<V>(work: () => Promise<V>): Promise<V> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }

  private async end(): Promise<void> {
    const { running } = this;
    this.running = undefined;
    if (running === undefined) return;
    running.ended = true;
    running.wake?.();
    await running.loop;
    running.trainee.dispose();
  }

  private async begin(request: Q): Promise<A> {
    await this.end();
    const { trainee, steps, answer } = await this.prepare(request);
    this.hasEngine = true;
    const running: Running<T> = {
      trainee,
      steps,
      ended: false,
      paused: false,
      loop: Promise.resolve(),
      wake: undefined,
    };
    this.running = running;
    // The answer to the call goes out before the first report.
    running.loop = nextTask()
      .then(() => this.loop(running))
      .catch((error: unknown) => {
        if (!running.ended) this.training.fail(error);
      });
    return answer;
  }

  private async loop(running: Running<T>): Promise<void> {
    const { trainee, steps } = running;
    const { groupEnd, reportEvery, onFinished, now = () => performance.now() } = this.training;
    const isLast = (): boolean => trainee.step === steps || trainee.over;
    let count = 1;
    await this.report(trainee, 0, isLast);
    while (!running.ended && !isLast()) {
      if (running.paused) {
        await new Promise<void>((resolve) => (running.wake = resolve));
        running.wake = undefined;
        continue;
      }
      const start = now();
      const next = Math.min(steps, (Math.floor(trainee.step / groupEnd) + 1) * groupEnd);
      await this.report(trainee, Math.min(count, next - trainee.step), isLast);
      const factor = reportEvery / Math.max(1, now() - start);
      count = Math.max(1, Math.min(groupEnd, Math.round(count * Math.min(2, factor))));
      await nextTask();
    }
    if (!running.ended) onFinished();
  }
}

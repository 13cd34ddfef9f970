/** The worker's work: load, train, report, pause. One contest at a time; whoever starts another ends the one before. */
import * as tf from '@tensorflow/tfjs-core';
import type { LabelledSplits } from '@apo/tasks';
import type { EngineReport } from '../../worker/engine-report.js';
import { nextTask } from '../mnist/next-task.js';
import { Contest } from './contest.js';
import type { LayerMatrices, PreconditionerEvent, StartRequest, Started } from './contract.js';
import type { RunSettings } from './settings.js';

/** Steps between two looks at the pictures. */
export const LOOK_EVERY = 20;
/** Milliseconds between two reports, about. */
const REPORT_EVERY = 80;
/** Milliseconds between two readings of matrices, which are large. */
const MATRICES_EVERY = 400;

export interface SessionOptions {
  /** Activates an engine; the second run of a worker finds it running. */
  readonly startEngine: (settings: RunSettings) => Promise<EngineReport>;
  readonly loadData: (
    request: StartRequest,
    onLoaded: (loaded: number, total: number) => void,
  ) => Promise<LabelledSplits>;
  readonly send: (event: PreconditionerEvent) => void;
  /** Told of an error in the middle of a run. */
  readonly fail: (error: unknown) => void;
  readonly now?: () => number;
}

interface Running {
  readonly contest: Contest;
  readonly steps: number;
  layer: number;
  /** When matrices were last read. */
  readAt: number;
  /** Set to end it. */
  ended: boolean;
  paused: boolean;
  /** Resolves when the loop has left it. */
  loop: Promise<void>;
  /** Called to go on; there while it is paused. */
  wake: (() => void) | undefined;
}

export class PreconditionerSession {
  private running: Running | undefined;
  private hasEngine = false;
  /** Starts and stops come one after the other, even when a reader is quick. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: SessionOptions) {}

  /** @throws what the engine, the data or the optimizers throw; nothing runs then. */
  start(request: StartRequest): Promise<Started> {
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

  async watch(layer: number): Promise<LayerMatrices | null> {
    const { running } = this;
    if (running === undefined) return null;
    running.layer = layer;
    return running.contest.matrices(layer);
  }

  /** Ends what runs and frees it; resolves with the number of tensors that are left. */
  stop(): Promise<number> {
    return this.inTurn(async () => {
      await this.end();
      // Without an engine there is nobody to ask.
      return this.hasEngine ? tf.memory().numTensors : 0;
    });
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
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
    running.contest.dispose();
  }

  private async begin(request: StartRequest): Promise<Started> {
    await this.end();
    const { send, fail } = this.options;
    const data = await this.options.loadData(request, (loaded, total) =>
      send({ type: 'loading', loaded, total }),
    );
    const engine = await this.options.startEngine(request.settings);
    this.hasEngine = true;
    const running: Running = {
      contest: new Contest(request.settings, data),
      steps: request.settings.steps,
      layer: request.layer,
      readAt: -Infinity,
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
        if (!running.ended) fail(error);
      });
    return { engine, examples: running.contest.examples };
  }

  private async loop(running: Running): Promise<void> {
    const { contest, steps } = running;
    const { now = () => performance.now() } = this.options;
    let count = 1;
    await this.report(running, 0);
    while (!running.ended && contest.step < steps && !contest.over) {
      if (running.paused) {
        await new Promise<void>((resolve) => (running.wake = resolve));
        running.wake = undefined;
        continue;
      }
      const start = now();
      // A look comes after its own step, however many steps are taken at a time.
      const next = Math.min(steps, (Math.floor(contest.step / LOOK_EVERY) + 1) * LOOK_EVERY);
      await this.report(running, Math.min(count, next - contest.step));
      const factor = REPORT_EVERY / Math.max(1, now() - start);
      count = Math.max(1, Math.min(LOOK_EVERY, Math.round(count * Math.min(2, factor))));
      await nextTask();
    }
    if (!running.ended) this.options.send({ type: 'finished' });
  }

  private async report(running: Running, count: number): Promise<void> {
    const { contest, steps, layer } = running;
    const { send, now = () => performance.now() } = this.options;
    const losses = count === 0 ? { momentum: [], kfac: [], apo: [] } : await contest.advance(count);
    const last = contest.step === steps || contest.over;
    const due = last || now() - running.readAt >= MATRICES_EVERY;
    if (due) running.readAt = now();
    send({
      type: 'progress',
      step: contest.step,
      losses,
      timing: contest.timing,
      rate: await contest.rate(),
      broken: contest.broken,
      pictures: last || contest.step % LOOK_EVERY === 0 ? await contest.look() : null,
      matrices: due ? await contest.matrices(layer) : null,
      tensors: tf.memory().numTensors,
    });
  }
}

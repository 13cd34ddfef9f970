/** The worker's work: load, race, report, pause. One race at a time; whoever starts another ends the one before. */
import * as tf from '@tensorflow/tfjs-core';
import type { LabelledSplits } from '@apo/tasks';
import type { EngineReport } from '../../worker/engine-report.js';
import type { ByRun, Evaluation, MnistEvent, StartRequest, Started } from './contract.js';
import { Race } from './race.js';
import { nextTask } from './next-task.js';
import type { MnistSettings } from './settings.js';

/** Test images that the networks are tried on. */
export const TEST_IMAGES = 1000;
/** Steps between two evaluations. */
export const EVALUATE_EVERY = 25;
/** Milliseconds between two reports, about. */
const REPORT_EVERY = 60;

export interface SessionOptions {
  /** Activates an engine; the second race of a worker finds it running. */
  readonly startEngine: (settings: MnistSettings) => Promise<EngineReport>;
  readonly loadData: (
    request: StartRequest,
    onLoaded: (loaded: number, total: number) => void,
  ) => Promise<LabelledSplits>;
  readonly send: (event: MnistEvent) => void;
  /** Told of an error in the middle of a race. */
  readonly fail: (error: unknown) => void;
  readonly now?: () => number;
}

interface Running {
  readonly race: Race;
  readonly steps: number;
  /** Set to end it. */
  ended: boolean;
  /** Resolves when the loop has left it. */
  loop: Promise<void>;
  /** Called to go on; there while it is paused. */
  wake: (() => void) | undefined;
  paused: boolean;
}

export class MnistSession {
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

  /** @throws Error when nothing has been started. */
  classify(image: Uint8Array): Promise<ByRun<readonly number[]>> {
    if (this.running === undefined) throw new Error('There is no network yet; start a run first.');
    return this.running.race.classify(image);
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
    if (running !== undefined) {
      running.ended = true;
      running.wake?.();
      await running.loop;
      running.race.dispose();
    }
  }

  private async begin(request: StartRequest): Promise<Started> {
    await this.end();
    const { settings } = request;
    const { send, fail } = this.options;
    const data = await this.options.loadData(request, (loaded, total) =>
      send({ type: 'loading', loaded, total }),
    );
    const engine = await this.options.startEngine(settings);
    this.hasEngine = true;
    const race = new Race(settings, data);
    const running: Running = {
      race,
      steps: settings.steps,
      ended: false,
      loop: Promise.resolve(),
      wake: undefined,
      paused: false,
    };
    this.running = running;
    // The answer to the call goes out before the first report.
    running.loop = nextTask()
      .then(() => this.loop(running))
      .catch((error: unknown) => {
        if (!running.ended) fail(error);
      });
    return {
      engine,
      test: { images: data.test.inputs, labels: data.test.labels },
      parameters: race.parameters,
    };
  }

  private async loop(running: Running): Promise<void> {
    const { race, steps } = running;
    const { now = () => performance.now() } = this.options;
    let count = 1;
    await this.report(running, 0);
    while (!running.ended && race.step < steps && !race.over) {
      if (running.paused) {
        await new Promise<void>((resolve) => (running.wake = resolve));
        running.wake = undefined;
        continue;
      }
      const start = now();
      // An evaluation comes after its own step, however many steps are taken at a time.
      const next = Math.min(steps, (Math.floor(race.step / EVALUATE_EVERY) + 1) * EVALUATE_EVERY);
      await this.report(running, Math.min(count, next - race.step));
      const factor = REPORT_EVERY / Math.max(1, now() - start);
      count = Math.max(1, Math.min(EVALUATE_EVERY, Math.round(count * Math.min(2, factor))));
      await nextTask();
    }
    if (!running.ended) this.options.send({ type: 'finished' });
  }

  private async report({ race, steps }: Running, count: number): Promise<void> {
    const { losses, metaSteps } =
      count === 0 ? { losses: { fixed: [], tuned: [] }, metaSteps: [] } : await race.advance(count);
    const due = race.step % EVALUATE_EVERY === 0 || race.step === steps || race.over;
    const tested: { evaluation: Evaluation; answers: ByRun<Uint8Array> } | undefined = due
      ? await race.evaluate()
      : undefined;
    this.options.send({
      type: 'progress',
      step: race.step,
      losses,
      failedAt: race.failedAt,
      metaSteps,
      evaluation: tested?.evaluation ?? null,
      answers: tested?.answers ?? null,
      timing: race.timing,
      tensors: tf.memory().numTensors,
    });
  }
}

/** The worker's work on the MNIST page: two runs side by side, evaluated now and then, and asked for single digits. */
import * as tf from '@tensorflow/tfjs-core';
import type { LabelledSplits } from '@apo/tasks';
import { TrainingSession } from '../../training/training-session.js';
import type { Prepared } from '../../training/training-session.js';
import type { EngineReport } from '../../worker/engine-report.js';
import type { ByRun, MnistEvent, StartRequest, Started } from './contract.js';
import { Race } from './race.js';
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

export class MnistSession extends TrainingSession<StartRequest, Race, Started> {
  constructor(private readonly options: SessionOptions) {
    super({
      groupEnd: EVALUATE_EVERY,
      reportEvery: REPORT_EVERY,
      onFinished: () => options.send({ type: 'finished' }),
      fail: options.fail,
      now: options.now,
    });
  }

  /** @throws Error when nothing has been started. */
  classify(image: Uint8Array): Promise<ByRun<readonly number[]>> {
    if (this.trainee === undefined) throw new Error('There is no network yet; start a run first.');
    return this.trainee.classify(image);
  }

  protected override async prepare(request: StartRequest): Promise<Prepared<Race, Started>> {
    const { settings } = request;
    const data = await this.options.loadData(request, (loaded, total) =>
      this.options.send({ type: 'loading', loaded, total }),
    );
    const engine = await this.options.startEngine(settings);
    const race = new Race(settings, data);
    const test = { images: data.test.inputs, labels: data.test.labels };
    return { trainee: race, steps: settings.steps, answer: { engine, test, parameters: race.parameters } };
  }

  protected override async report(race: Race, count: number, isLast: () => boolean): Promise<void> {
    const { losses, metaSteps } =
      count === 0 ? { losses: { fixed: [], tuned: [] }, metaSteps: [] } : await race.advance(count);
    const tested = race.step % EVALUATE_EVERY === 0 || isLast() ? await race.evaluate() : undefined;
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

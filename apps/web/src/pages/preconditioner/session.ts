/** The worker's work on this page: three runs, what they make of the example images, and the matrices of one layer. */
import * as tf from '@tensorflow/tfjs-core';
import type { LabelledSplits } from '@apo/tasks';
import { TrainingSession } from '../../training/training-session.js';
import type { Prepared } from '../../training/training-session.js';
import type { EngineReport } from '../../worker/engine-report.js';
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

export class PreconditionerSession extends TrainingSession<StartRequest, Contest, Started> {
  private layer = 1;
  /** When matrices were last read. */
  private readAt = -Infinity;

  constructor(private readonly options: SessionOptions) {
    super({
      groupEnd: LOOK_EVERY,
      reportEvery: REPORT_EVERY,
      onFinished: () => options.send({ type: 'finished' }),
      fail: options.fail,
      now: options.now,
    });
  }

  /** From now on the matrices of this layer are reported; resolves with those of the moment, null when there is no run. */
  async watch(layer: number): Promise<LayerMatrices | null> {
    this.layer = layer;
    return this.trainee?.matrices(layer) ?? null;
  }

  protected override async prepare(request: StartRequest): Promise<Prepared<Contest, Started>> {
    const { settings, layer } = request;
    const data = await this.options.loadData(request, (loaded, total) =>
      this.options.send({ type: 'loading', loaded, total }),
    );
    const engine = await this.options.startEngine(settings);
    const contest = new Contest(settings, data);
    this.layer = layer;
    this.readAt = -Infinity;
    return { trainee: contest, steps: settings.steps, answer: { engine, examples: contest.examples } };
  }

  protected override async report(contest: Contest, count: number, isLast: () => boolean): Promise<void> {
    const { send, now = () => performance.now() } = this.options;
    const losses = count === 0 ? { momentum: [], kfac: [], apo: [] } : await contest.advance(count);
    const isDue = isLast() || now() - this.readAt >= MATRICES_EVERY;
    if (isDue) this.readAt = now();
    send({
      type: 'progress',
      step: contest.step,
      losses,
      timing: contest.timing,
      rate: await contest.rate(),
      broken: contest.broken,
      pictures: isLast() || contest.step % LOOK_EVERY === 0 ? await contest.look() : null,
      matrices: isDue ? await contest.matrices(this.layer) : null,
      tensors: tf.memory().numTensors,
    });
  }
}

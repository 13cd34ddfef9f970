/** The run of the page, of which the matrices of one layer are looked at. */
import { openChannel } from '../../worker/channel.js';
import type { Channel } from '../../worker/channel.js';
import { failureOf } from '../../worker/failure.js';
import { TrainingRun } from '../../training/training-run.js';
import type { PreconditionerContract, Progress, Started } from './contract.js';
import { EMPTY_RECORD, withProgress } from './record.js';
import type { RunRecord } from './record.js';
import type { PreconditionerSettings } from './settings.js';

export class RunState extends TrainingRun<PreconditionerSettings, Started, Progress, RunRecord> {
  private readonly channel: Channel<PreconditionerContract>;
  /** The layer that the page shows. */
  private layer = 1;

  /** @param create Makes a worker: session.worker.ts. @param dataUrl Of the folder with MNIST's shards, ending in a slash. */
  constructor(create: () => Worker, dataUrl: string) {
    let channel!: Channel<PreconditionerContract>;
    super({
      open(hear) {
        channel = openChannel<PreconditionerContract>(create, hear);
        return {
          start: (settings) => channel.call('start', { settings, dataUrl, layer: settings.layer }),
          tell: (name) => channel.call(name, null),
          restart: () => channel.restart(),
          failure: channel.failure,
        };
      },
      workerOf: ({ engine }) => engine,
      empty: EMPTY_RECORD,
      add: withProgress,
    });
    this.channel = channel;
  }

  /** Shows another layer, now and from now on. */
  watch(layer: number): void {
    if (layer === this.layer) return;
    this.layer = layer;
    if (this.hasNetwork) this.look();
  }

  /** Another layer may have been chosen while the run was prepared. */
  protected override onStarted(): void {
    if (this.layer !== this.settings.peek()?.layer) this.look();
  }

  private look(): void {
    const { turns, layer } = this;
    this.channel.call('watch', layer).then(
      (matrices) => {
        if (turns !== this.turns || layer !== this.layer || matrices === null) return;
        this.record.value = { ...this.record.peek(), matrices };
      },
      (error: unknown) => {
        if (turns === this.turns) this.failed(failureOf(error));
      },
    );
  }
}

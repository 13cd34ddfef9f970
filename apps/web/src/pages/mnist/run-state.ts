/** The run of the MNIST page, whose networks can be asked what a digit is. */
import { openChannel } from '../../worker/channel.js';
import type { Channel } from '../../worker/channel.js';
import { TrainingRun } from '../../training/training-run.js';
import type { ByRun, MnistContract, Progress, Started } from './contract.js';
import { EMPTY_RECORD, withProgress } from './record.js';
import type { RunRecord } from './record.js';
import type { MnistSettings } from './settings.js';

export class RunState extends TrainingRun<MnistSettings, Started, Progress, RunRecord> {
  private readonly channel: Channel<MnistContract>;

  /** @param create Makes a worker: session.worker.ts. @param dataUrl Of the folder with the shards, ending in a slash. */
  constructor(create: () => Worker, dataUrl: string) {
    let channel!: Channel<MnistContract>;
    super({
      open(hear) {
        channel = openChannel<MnistContract>(create, hear);
        return {
          start: (settings) => channel.call('start', { settings, dataUrl }),
          tell: (name) => channel.call(name, null),
          restart: () => channel.restart(),
          failure: channel.failure,
        };
      },
      workerOf: ({ engine, threads }) => `${engine} ${threads}`,
      empty: EMPTY_RECORD,
      add: withProgress,
    });
    this.channel = channel;
  }

  /** Probabilities of the ten digits; undefined when there is no network to ask. */
  async classify(image: Uint8Array): Promise<ByRun<readonly number[]> | undefined> {
    if (!this.hasNetwork || this.record.peek().step === 0) return undefined;
    try {
      return await this.channel.call('classify', image);
    } catch {
      // The run was ended meanwhile; its own failure is reported elsewhere.
      return undefined;
    }
  }
}

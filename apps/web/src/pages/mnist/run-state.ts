/** The run as the page sees it: what it does now, what it has reported, and what readers can do about it. */
import { batch, signal } from '@preact/signals';
import type { ReadonlySignal, Signal } from '@preact/signals';
import { openChannel } from '../../worker/channel.js';
import type { Channel } from '../../worker/channel.js';
import type { EngineReport } from '../../worker/engine-report.js';
import { failureOf } from '../../worker/failure.js';
import type { Failure } from '../../worker/failure.js';
import type { ByRun, MnistContract, MnistEvent, Started } from './contract.js';
import { EMPTY_RECORD, withProgress } from './record.js';
import type { RunRecord } from './record.js';
import type { MnistSettings } from './settings.js';

export type Phase = 'idle' | 'loading' | 'running' | 'paused' | 'finished' | 'failed';

export interface Answers {
  readonly answers: ByRun<Uint8Array>;
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
}

export class RunState {
  readonly phase: Signal<Phase> = signal('idle');
  readonly record: Signal<RunRecord> = signal(EMPTY_RECORD);
  readonly engine: Signal<EngineReport | undefined> = signal();
  readonly test: Signal<Started['test'] | undefined> = signal();
  readonly answers: Signal<ByRun<Uint8Array> | undefined> = signal();
  readonly loading: Signal<{ readonly loaded: number; readonly total: number }> = signal({
    loaded: 0,
    total: 0,
  });
  /** Why the run has ended, when it has failed. */
  readonly failure: Signal<Failure | undefined> = signal();
  /** What happened to the GPU; stays until the reader starts another run. */
  readonly lost: Signal<string | undefined> = signal();
  /** The settings of the run, which those of the controls may have left behind. */
  readonly settings: Signal<MnistSettings | undefined> = signal();

  private readonly channel: Channel<MnistContract>;
  /** The engine and threads that the worker runs on; another choice takes another worker. */
  private workerOf: string | undefined;
  /** Counts starts, so that the answer to one that was overtaken is not heard. */
  private starts = 0;

  /** @param create Makes a worker: session.worker.ts. */
  constructor(
    create: () => Worker,
    private readonly dataUrl: string,
  ) {
    this.channel = openChannel<MnistContract>(create, (event) => this.hear(event));
    this.channel.failure.subscribe((failure) => {
      if (failure !== undefined) this.failed(failure);
    });
  }

  get workerFailure(): ReadonlySignal<Failure | undefined> {
    return this.channel.failure;
  }

  /** Ends what runs and begins with step 1. */
  start(settings: MnistSettings): void {
    this.lost.value = undefined;
    this.begin(settings);
  }

  pause(): void {
    this.phase.value = 'paused';
    this.tell('pause');
  }

  resume(): void {
    this.phase.value = 'running';
    this.tell('resume');
  }

  /** Back to before the start. */
  reset(): void {
    this.starts++;
    this.clear('idle');
    this.settings.value = undefined;
    this.tell('stop');
  }

  /** Probabilities of the ten digits; undefined when there is no network to ask. */
  async classify(image: Uint8Array): Promise<ByRun<readonly number[]> | undefined> {
    if (this.record.value.step === 0 || this.failure.value !== undefined) return undefined;
    try {
      return await this.channel.call('classify', image);
    } catch {
      // The run was ended meanwhile; its own failure is reported elsewhere.
      return undefined;
    }
  }

  private begin(settings: MnistSettings): void {
    const start = ++this.starts;
    this.clear('loading');
    this.settings.value = settings;
    const worker = `${settings.engine} ${settings.threads}`;
    if (this.channel.failure.peek() !== undefined || (this.workerOf ?? worker) !== worker) {
      this.channel.restart();
    }
    this.workerOf = worker;
    this.channel.call('start', { settings, dataUrl: this.dataUrl }).then(
      ({ engine, test }) => {
        if (start !== this.starts) return;
        batch(() => {
          this.engine.value = engine;
          this.test.value = test;
          if (this.phase.peek() === 'loading') this.phase.value = 'running';
        });
      },
      (error: unknown) => {
        if (start === this.starts) this.failed(failureOf(error));
      },
    );
  }

  private hear(event: MnistEvent): void {
    switch (event.type) {
      case 'loading':
        this.loading.value = event;
        break;
      case 'progress':
        // Reports of a run that was reset may still be under way.
        if (this.phase.peek() !== 'running' && this.phase.peek() !== 'paused') break;
        batch(() => {
          this.record.value = withProgress(this.record.peek(), event);
          if (event.answers !== null) this.answers.value = event.answers;
        });
        break;
      case 'finished':
        if (this.phase.peek() === 'running') this.phase.value = 'finished';
        break;
      case 'lost':
        this.recover(event.message);
        break;
      default:
        event satisfies never;
    }
  }

  /** Starts the same run again on WASM, in a fresh worker. */
  private recover(message: string): void {
    const settings = this.settings.peek();
    if (settings === undefined) return;
    this.lost.value = message;
    this.begin({ ...settings, engine: 'wasm' });
  }

  private failed(failure: Failure): void {
    batch(() => {
      this.phase.value = 'failed';
      this.failure.value = failure;
    });
  }

  private clear(phase: Phase): void {
    batch(() => {
      this.phase.value = phase;
      this.record.value = EMPTY_RECORD;
      this.answers.value = undefined;
      this.failure.value = undefined;
      this.loading.value = { loaded: 0, total: 0 };
    });
  }

  private tell(name: 'pause' | 'resume' | 'stop'): void {
    this.channel.call(name, null).catch((error: unknown) => {
      if (this.phase.peek() !== 'idle') this.failed(failureOf(error));
    });
  }
}

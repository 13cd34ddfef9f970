/** The run as the page sees it: what it does now, what it has reported, and what readers can do about it. */
import { batch, signal } from '@preact/signals';
import type { Signal } from '@preact/signals';
import { openChannel } from '../../worker/channel.js';
import type { Channel } from '../../worker/channel.js';
import type { EngineChoice, EngineReport } from '../../worker/engine-report.js';
import { failureOf } from '../../worker/failure.js';
import type { Failure } from '../../worker/failure.js';
import type { PreconditionerContract, PreconditionerEvent, StartRequest } from './contract.js';
import { EMPTY_RECORD, withProgress } from './record.js';
import type { RunRecord } from './record.js';
import type { PreconditionerSettings } from './settings.js';

export type Phase = 'idle' | 'loading' | 'running' | 'paused' | 'finished' | 'failed';

export class RunState {
  readonly phase: Signal<Phase> = signal('idle');
  readonly record: Signal<RunRecord> = signal(EMPTY_RECORD);
  readonly engine: Signal<EngineReport | undefined> = signal();
  /** The ten images that are reconstructed; kept over resets. */
  readonly examples: Signal<Uint8Array | undefined> = signal();
  readonly loading: Signal<{ readonly loaded: number; readonly total: number }> = signal({
    loaded: 0,
    total: 0,
  });
  /** Why the run has ended, when it has failed. */
  readonly failure: Signal<Failure | undefined> = signal();
  /** What happened to the GPU; stays until the reader starts another run. */
  readonly lost: Signal<string | undefined> = signal();
  /** The settings of the run, which those of the controls may have left behind. */
  readonly settings: Signal<PreconditionerSettings | undefined> = signal();

  private readonly channel: Channel<PreconditionerContract>;
  /** What the worker runs on; another choice takes another worker. */
  private engineOf: EngineChoice | undefined;
  /** Counts starts and resets, so that the answer to one that was overtaken is not heard. */
  private turns = 0;
  private layer = 1;

  /** @param create Makes a worker: session.worker.ts. */
  constructor(
    create: () => Worker,
    private readonly dataUrl: string,
  ) {
    this.channel = openChannel<PreconditionerContract>(create, (event) => this.hear(event));
    this.channel.failure.subscribe((failure) => {
      if (failure !== undefined) this.failed(failure);
    });
  }

  /** Ends what runs and begins with step 1. */
  start(settings: PreconditionerSettings): void {
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
    this.turns++;
    this.clear('idle');
    this.settings.value = undefined;
    this.tell('stop');
  }

  /** Shows another layer, now and from now on. */
  watch(layer: number): void {
    if (layer === this.layer) return;
    this.layer = layer;
    const turn = this.turns;
    if (!['running', 'paused', 'finished'].includes(this.phase.peek())) return;
    this.channel.call('watch', layer).then(
      (matrices) => {
        if (turn !== this.turns || layer !== this.layer || matrices === null) return;
        this.record.value = { ...this.record.peek(), matrices };
      },
      (error: unknown) => {
        if (turn === this.turns) this.failed(failureOf(error));
      },
    );
  }

  private begin(settings: PreconditionerSettings): void {
    const turn = ++this.turns;
    this.clear('loading');
    this.settings.value = settings;
    this.layer = settings.layer;
    if (this.channel.failure.peek() !== undefined || (this.engineOf ?? settings.engine) !== settings.engine) {
      this.channel.restart();
    }
    this.engineOf = settings.engine;
    const request: StartRequest = { settings, dataUrl: this.dataUrl, layer: settings.layer };
    this.channel.call('start', request).then(
      ({ engine, examples }) => {
        if (turn !== this.turns) return;
        batch(() => {
          this.engine.value = engine;
          this.examples.value = examples;
          if (this.phase.peek() === 'loading') this.phase.value = 'running';
        });
      },
      (error: unknown) => {
        if (turn === this.turns) this.failed(failureOf(error));
      },
    );
  }

  private hear(event: PreconditionerEvent): void {
    switch (event.type) {
      case 'loading':
        this.loading.value = event;
        break;
      case 'progress':
        // Reports of a run that was reset may still be under way.
        if (this.phase.peek() !== 'running' && this.phase.peek() !== 'paused') break;
        this.record.value = withProgress(this.record.peek(), event);
        break;
      case 'finished':
        if (this.phase.peek() === 'running' || this.phase.peek() === 'paused') this.phase.value = 'finished';
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

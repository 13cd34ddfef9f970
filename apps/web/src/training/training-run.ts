/** A run as a page sees it: what it does now, what it has reported, and what readers can do about it. The worker's half is training-session.ts. */
import { batch, computed, effect, signal } from '@preact/signals';
import type { ReadonlySignal, Signal } from '@preact/signals';
import type { EngineChoice } from '../worker/engine-report.js';
import { failureOf } from '../worker/failure.js';
import type { Failure } from '../worker/failure.js';
import type { Loading, Phase, StartedRun, TrainingEvent } from './contract.js';

/** A worker: the calls that every training page has. */
export interface TrainingLink<S, A> {
  start(settings: S): Promise<A>;
  tell(name: 'pause' | 'resume' | 'stop'): Promise<unknown>;
  /** A fresh worker in its place. */
  restart(): void;
  /** Why it cannot go on. */
  readonly failure: ReadonlySignal<Failure | undefined>;
}

/** `S`: settings, `A`: the answer to a start, `P`: a report, `R`: all reports of a run. */
export interface TrainingRunOptions<S, A, P extends { readonly type: 'progress' }, R> {
  readonly open: (hear: (event: TrainingEvent<P>) => void) => TrainingLink<S, A>;
  /** The part of the settings that a worker keeps for its life. */
  readonly workerOf: (settings: S) => string;
  readonly empty: R;
  readonly add: (record: R, progress: P) => R;
}

const NOTHING_LOADED: Loading = { loaded: 0, total: 0 };

export class TrainingRun<
  S extends { readonly engine: EngineChoice },
  A extends StartedRun,
  P extends { readonly type: 'progress' },
  R,
> {
  readonly phase: Signal<Phase> = signal('idle');
  readonly record: Signal<R>;
  /** What the worker said when the latest run began; kept over resets. */
  readonly started: Signal<A | undefined> = signal();
  readonly engine = computed(() => this.started.value?.engine);
  readonly loading: Signal<Loading> = signal(NOTHING_LOADED);
  /** Why the run has ended, when it has failed. */
  readonly failure: Signal<Failure | undefined> = signal();
  /** What happened to the GPU; stays until the reader starts another run. */
  readonly lost: Signal<string | undefined> = signal();
  /** What the reader started, which the controls may have left behind. */
  readonly asked: Signal<S | undefined> = signal();
  /** What runs: the same, but for the engine once the GPU was lost. */
  readonly settings: Signal<S | undefined> = signal();

  /** Counts starts and resets, so that the answer to one that was overtaken is not heard. */
  protected turns = 0;
  private readonly link: TrainingLink<S, A>;
  private worker: string | undefined;
  /** The worker's GPU is gone. */
  private spent = false;

  constructor(private readonly options: TrainingRunOptions<S, A, P, R>) {
    this.record = signal(options.empty);
    this.link = options.open((event) => this.hear(event));
    this.link.failure.subscribe((failure) => {
      if (failure !== undefined) this.failed(failure);
    });
  }

  /** Ends what runs and begins with step 1. */
  start(settings: S): void {
    this.lost.value = undefined;
    this.asked.value = settings;
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
    this.asked.value = undefined;
    this.settings.value = undefined;
    this.tell('stop');
  }

  /**
   * Begins again, `settle` milliseconds after the last change, when the settings are no longer those of the run. A run that has not
   * begun, was reset, or has failed, waits for the reader.
   */
  follow(current: ReadonlySignal<S>, isSame: (one: S, other: S) => boolean, settle: number): void {
    effect(() => {
      const wanted = current.value;
      const isOther = (): boolean => {
        const asked = this.asked.peek();
        const waits = this.phase.peek() === 'idle' || this.phase.peek() === 'failed';
        return asked !== undefined && !waits && !isSame(wanted, asked);
      };
      if (!isOther()) return;
      const timer = setTimeout(() => {
        if (isOther()) this.start(wanted);
      }, settle);
      return () => clearTimeout(timer);
    });
  }

  /** Whether there is a network to ask. */
  protected get hasNetwork(): boolean {
    return ['running', 'paused', 'finished'].includes(this.phase.peek());
  }

  /** Called when a run has begun. */
  protected onStarted(): void {
    // For those who have more to say to a worker.
  }

  protected failed(failure: Failure): void {
    batch(() => {
      this.phase.value = 'failed';
      this.failure.value = failure;
    });
  }

  private begin(settings: S): void {
    const turn = ++this.turns;
    this.clear('loading');
    this.settings.value = settings;
    const worker = this.options.workerOf(settings);
    const isOther = this.worker !== undefined && this.worker !== worker;
    if (this.link.failure.peek() !== undefined || this.spent || isOther) this.link.restart();
    this.spent = false;
    this.worker = worker;
    this.link.start(settings).then(
      (answer) => {
        if (turn !== this.turns) return;
        batch(() => {
          this.started.value = answer;
          if (this.phase.peek() === 'loading') this.phase.value = 'running';
        });
        this.onStarted();
      },
      (error: unknown) => {
        if (turn === this.turns) this.failed(failureOf(error));
      },
    );
  }

  private hear(event: TrainingEvent<P>): void {
    const isOn = this.phase.peek() === 'running' || this.phase.peek() === 'paused';
    switch (event.type) {
      case 'loading':
        this.loading.value = event;
        break;
      case 'progress':
        // Reports of a run that was reset may still be under way.
        if (isOn) this.record.value = this.options.add(this.record.peek(), event);
        break;
      case 'finished':
        // Also of a run that was paused during its last step.
        if (isOn) this.phase.value = 'finished';
        break;
      case 'lost':
        this.spent = true;
        // A run that has just failed did so because of it: the error may come first.
        if (!['idle', 'finished'].includes(this.phase.peek())) this.recover(event.message);
        break;
      default:
        event satisfies never;
    }
  }

  /** Starts the same run again on WASM, in a fresh worker. */
  private recover(message: string): void {
    const settings = this.asked.peek();
    if (settings === undefined) return;
    this.lost.value = message;
    this.begin({ ...settings, engine: 'wasm' });
  }

  private clear(phase: Phase): void {
    batch(() => {
      this.phase.value = phase;
      this.record.value = this.options.empty;
      this.failure.value = undefined;
      this.loading.value = NOTHING_LOADED;
    });
  }

  private tell(name: 'pause' | 'resume' | 'stop'): void {
    const turn = this.turns;
    this.link.tell(name).catch((error: unknown) => {
      if (turn === this.turns && this.phase.peek() !== 'idle') this.failed(failureOf(error));
    });
  }
}

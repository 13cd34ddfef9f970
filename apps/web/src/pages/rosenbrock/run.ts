/** The race as the page has it: a worker that runs it, and signals that say how it stands. A change of the settings starts it afresh. */
import { computed, effect, signal, untracked } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import { openChannel } from '../../worker/channel.js';
import { failureOf } from '../../worker/failure.js';
import type { Failure } from '../../worker/failure.js';
import type { FixedRate } from './best-rate.js';
import type { RosenbrockContract } from './contract.js';
import type { RosenbrockSettings } from './settings.js';
import { Track } from './track.js';

/** A race so far; a new object whenever there is more of it. */
export interface Race {
  /** Counts the races of this page, from 1. */
  readonly run: number;
  readonly settings: RosenbrockSettings;
  readonly track: Track;
  readonly finished: boolean;
  /** Found by the worker when the race starts. */
  readonly best: FixedRate | undefined;
  /** Of the worker's engine. */
  readonly tensors: number;
}

export interface RaceRun {
  readonly race: ReadonlySignal<Race>;
  readonly paused: ReadonlySignal<boolean>;
  /** The steps a second that the worker has confirmed; 0: it stands still, and what it did before has been reported. */
  readonly pace: ReadonlySignal<number | undefined>;
  readonly failure: ReadonlySignal<Failure | undefined>;
  setPaused(paused: boolean): void;
  /** One step, of a race that is paused or becomes so. */
  step(): void;
  /** The same race from its start. */
  reset(): void;
  /** A fresh worker, after a failure. */
  retry(): void;
}

/** Milliseconds without a change of the settings before a race starts afresh: sliders change them many times a second. */
const SETTLE = 150;

/** @param paused Whether the race waits for the reader. */
export function startRace(current: ReadonlySignal<RosenbrockSettings>, startPaused: boolean): RaceRun {
  const paused = signal(startPaused);
  const pace = signal<number>();
  const refusal = signal<Failure>();
  const race = signal<Race>(raceOf(0, current.peek()));
  let run = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const channel = openChannel<RosenbrockContract>(
    () => new Worker(new URL('./session.worker.ts', import.meta.url), { type: 'module' }),
    ({ run: of, chunk, finished, tensors }) => {
      if (of !== run) return;
      race.peek().track.add(chunk);
      race.value = { ...race.peek(), finished, tensors };
    },
  );
  const speed = (): number => (paused.peek() ? 0 : current.peek().speed);

  function reset(): void {
    clearTimeout(timer);
    const settings = current.peek();
    const mine = ++run;
    refusal.value = undefined;
    race.value = raceOf(mine, settings);
    tell(channel.call('start', { run: mine, settings, speed: speed() }), (best) => {
      if (mine === run) race.value = { ...race.peek(), best };
    });
  }

  /** A refusal is shown, unless another race has been started meanwhile; of a dead worker the channel tells by itself. */
  function tell<T>(call: Promise<T>, onAnswer: (answer: T) => void = () => undefined): void {
    const mine = run;
    call.then(onAnswer, (error: unknown) => {
      if (mine === run) refusal.value = failureOf(error);
    });
  }

  const defining = computed(() => JSON.stringify({ ...current.value, speed: 0 }));
  let raced: string | undefined;
  effect(() => {
    const asked = defining.value;
    clearTimeout(timer);
    if (raced === undefined) untracked(reset);
    else if (raced !== asked) timer = setTimeout(reset, SETTLE);
    raced = asked;
  });
  effect(() => {
    const asked = paused.value ? 0 : current.value.speed;
    // The channel's own signals are no reason to tell the pace again.
    untracked(() => tell(channel.call('pace', asked), () => (pace.value = asked)));
  });

  return {
    race,
    paused,
    pace,
    failure: computed(() => channel.failure.value ?? refusal.value),
    setPaused: (value) => (paused.value = value),
    step() {
      paused.value = true;
      tell(channel.call('step', 1));
    },
    reset,
    retry() {
      channel.restart();
      reset();
    },
  };
}

function raceOf(run: number, settings: RosenbrockSettings): Race {
  return { run, settings, track: new Track(), finished: false, best: undefined, tensors: 0 };
}

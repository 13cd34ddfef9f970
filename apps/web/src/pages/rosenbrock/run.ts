/** The race as the page has it: a worker that runs it, and signals that say how it stands. A change of the settings starts it afresh. */
import { computed, effect, signal, untracked } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import { openChannel } from '../../worker/channel.js';
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
  const failed = signal<Failure>();
  const race = signal<Race>(raceOf(0, current.peek()));
  let run = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const channel = openChannel<RosenbrockContract>(
    () => new Worker(new URL('./session.worker.ts', import.meta.url), { type: 'module' }),
    ({ run: of, chunk, finished, tensors }) => {
      if (of !== run) return;
      const { track } = race.value;
      track.add(chunk);
      race.value = { ...race.value, finished, tensors };
    },
  );
  const speed = (): number => (paused.peek() ? 0 : current.peek().speed);

  function reset(): void {
    const settings = current.peek();
    const mine = ++run;
    failed.value = undefined;
    race.value = raceOf(mine, settings);
    tell(
      channel.call('start', { run: mine, settings, speed: speed() }).then((best) => {
        if (mine === run) race.value = { ...race.value, best };
      }),
    );
  }

  function tell(call: Promise<unknown>): void {
    call.catch((error: unknown) => {
      // A dead worker is told by the channel; this is a call that it refused.
      failed.value = { name: 'Error', message: error instanceof Error ? error.message : String(error) };
    });
  }

  const defining = computed(() => JSON.stringify({ ...current.value, speed: 0 }));
  let raced: string | undefined;
  effect(() => {
    const asked = defining.value;
    clearTimeout(timer);
    if (raced === undefined) reset();
    else if (raced !== asked) timer = setTimeout(reset, SETTLE);
    raced = asked;
  });
  effect(() => {
    const asked = paused.value ? 0 : current.value.speed;
    // The channel's own signals are no reason to tell the pace again.
    untracked(() => tell(channel.call('pace', asked)));
  });

  return {
    race,
    paused,
    failure: computed(() => channel.failure.value ?? failed.value),
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

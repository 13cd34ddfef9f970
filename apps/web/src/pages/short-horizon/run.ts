/** The page's run: asks the worker for one whenever the settings change, and collects what it reports. */
import { computed, effect, signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import { openChannel } from '../../worker/channel.js';
import { failureOf } from '../../worker/failure.js';
import type { Failure } from '../../worker/failure.js';
import type { RunReport, ShortHorizonContract, ShortHorizonEvent } from './contract.js';
import type { HorizonCurve } from './horizon.js';
import type { Progress, SideProgress } from './session.js';
import type { LossBatch, ShortHorizonSettings } from './settings.js';

/** Everything since the first step, one entry a step. */
export interface Trace {
  readonly steps: number;
  readonly sides: Readonly<Partial<Record<LossBatch, SideProgress>>>;
  readonly metaSteps: readonly number[];
}

export interface Run {
  /** What the trace belongs to. */
  readonly settings: ReadonlySignal<ShortHorizonSettings>;
  readonly trace: ReadonlySignal<Trace>;
  readonly curves: ReadonlySignal<readonly HorizonCurve[]>;
  /** Undefined until the last step is done. */
  readonly report: ReadonlySignal<RunReport | undefined>;
  readonly failure: ReadonlySignal<Failure | undefined>;
  /** The same run from its first step. */
  again(): void;
  /** A fresh worker, then the same run. */
  retry(): void;
}

/** Milliseconds for which a slider has to rest before a run begins. */
const PATIENCE = 120;

const NOTHING: Trace = { steps: 0, sides: {}, metaSteps: [] };

/** Starts the worker and the first run. */
export function startRun(wanted: ReadonlySignal<ShortHorizonSettings>): Run {
  let current = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const settings = signal(wanted.peek());
  const trace = signal(NOTHING);
  const curves = signal<readonly HorizonCurve[]>([]);
  const report = signal<RunReport>();
  const refusal = signal<Failure>();

  const channel = openChannel<ShortHorizonContract>(
    () => new Worker(new URL('./session.worker.ts', import.meta.url), { type: 'module' }),
    receive,
  );

  function receive(event: ShortHorizonEvent): void {
    if (event.run !== current) return;
    switch (event.type) {
      case 'progress':
        trace.value = extended(trace.peek(), event.progress);
        break;
      case 'horizons':
        curves.value = event.curves;
        break;
      default:
        event satisfies never;
    }
  }

  function begin(): void {
    const run = ++current;
    settings.value = wanted.peek();
    trace.value = NOTHING;
    curves.value = [];
    report.value = undefined;
    refusal.value = undefined;
    channel.call('run', { run, settings: settings.value }).then(
      (result) => {
        if (run === current) report.value = result;
      },
      (error: unknown) => {
        if (run === current) refusal.value = failureOf(error);
      },
    );
  }

  effect(() => {
    const isFirst = current === 0 && timer === undefined;
    // Read, so that the effect runs when it changes.
    const { seed } = wanted.value;
    clearTimeout(timer);
    timer = setTimeout(begin, isFirst || seed !== settings.peek().seed ? 0 : PATIENCE);
  });

  return {
    settings,
    trace,
    curves,
    report,
    failure: computed(() => channel.failure.value ?? refusal.value),
    again: begin,
    retry() {
      channel.restart();
      begin();
    },
  };
}

function extended(trace: Trace, { steps, sides, metaSteps }: Progress): Trace {
  const join = (loss: LossBatch): Trace['sides'] => {
    const fresh = sides[loss];
    if (fresh === undefined) return {};
    const before = trace.sides[loss];
    return {
      [loss]: {
        rates: [...(before?.rates ?? []), ...fresh.rates],
        excess: [...(before?.excess ?? []), ...fresh.excess],
        greedy: [...(before?.greedy ?? []), ...fresh.greedy],
      },
    };
  };
  return {
    steps,
    sides: { ...join('same'), ...join('other') },
    metaSteps: [...trace.metaSteps, ...metaSteps],
  };
}

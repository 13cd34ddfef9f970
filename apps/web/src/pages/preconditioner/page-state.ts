/** The page's state: the settings in the address, the run, and how the one follows the other. */
import { computed, effect } from '@preact/signals';
import { urlState } from '../../url/url-state.js';
import { layerOf } from './networks.js';
import { RunState } from './run-state.js';
import { codec, isSameRun } from './settings.js';

/** Milliseconds after the last change of a setting before a run starts again with it. */
const SETTLE = 400;

export const settings = urlState(codec);

export const run = new RunState(
  () => new Worker(new URL('./session.worker.ts', import.meta.url), { type: 'module' }),
  new URL('mnist/', document.baseURI).href,
);

/** The layer that is looked at; the last one where the network has fewer than the address says. */
export const layer = computed(() => layerOf(settings.signals.network.value, settings.signals.layer.value));

/** Begins with step 1, at the settings of the controls. */
export function start(): void {
  run.start(settings.current.peek());
}

// A run whose settings are no longer those of the controls begins again; one that has not begun, or has failed, waits for the reader.
effect(() => {
  const wanted = settings.current.value;
  const has = run.settings.peek();
  const phase = run.phase.peek();
  if (has === undefined || phase === 'idle' || phase === 'failed' || isSameRun(wanted, has)) return;
  const timer = setTimeout(start, SETTLE);
  return () => clearTimeout(timer);
});

effect(() => run.watch(layer.value.number));

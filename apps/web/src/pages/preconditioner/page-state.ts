/** The page's state: the settings in the address, and the run, which follows them. */
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
run.follow(settings.current, isSameRun, SETTLE);

/** The layer that is looked at; the last one where the network has fewer than the address says. */
export const layer = computed(() => layerOf(settings.signals.network.value, settings.signals.layer.value));

effect(() => run.watch(layer.value.number));

/** Begins with step 1, at the settings of the controls. */
export function start(): void {
  run.start(settings.current.peek());
}

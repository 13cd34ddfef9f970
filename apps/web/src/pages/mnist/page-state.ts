/** The page's state: the settings in the address, the run, and how the one follows the other. */
import { effect } from '@preact/signals';
import { urlState } from '../../url/url-state.js';
import { RunState } from './run-state.js';
import { codec } from './settings.js';

/** Milliseconds after the last change of a setting before a run starts again with it. */
const SETTLE = 350;

export const settings = urlState(codec);

export const run = new RunState(
  () => new Worker(new URL('./session.worker.ts', import.meta.url), { type: 'module' }),
  new URL('mnist/', document.baseURI).href,
);

/** Begins with step 1, at the settings of the controls. */
export function start(): void {
  run.start(settings.current.peek());
}

// A run whose settings are no longer those of the controls begins again; one that has not begun, or has failed, waits for the reader.
effect(() => {
  const wanted = settings.current.value;
  const has = run.settings.peek();
  const phase = run.phase.peek();
  if (has === undefined || phase === 'idle' || phase === 'failed') return;
  if (codec.toSearch(wanted) === codec.toSearch(has)) return;
  const timer = setTimeout(start, SETTLE);
  return () => clearTimeout(timer);
});

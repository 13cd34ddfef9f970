/** The page's state: the settings in the address, and the run, which follows them. */
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
run.follow(settings.current, (one, other) => codec.toSearch(one) === codec.toSearch(other), SETTLE);

/** Begins with step 1, at the settings of the controls. */
export function start(): void {
  run.start(settings.current.peek());
}

/** The one state of the page: its settings, in the address, and the race that they define. */
import { urlState } from '../../url/url-state.js';
import { startRace } from './run.js';
import { settingsCodec } from './settings.js';

export const state = urlState(settingsCodec);

/** Who prefers less motion starts it by hand. */
export const run = startRace(state.current, matchMedia('(prefers-reduced-motion: reduce)').matches);

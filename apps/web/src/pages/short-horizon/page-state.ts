/** The page's state: the settings in the address, and the run that follows them. */
import { computed } from '@preact/signals';
import { urlState } from '../../url/url-state.js';
import { startRun } from './run.js';
import { settingsCodec, sidesOf } from './settings.js';

export const state = urlState(settingsCodec);
export const run = startRun(state.current);
/** The sides that the run has. */
export const sides = computed(() => sidesOf(run.settings.value.loss));

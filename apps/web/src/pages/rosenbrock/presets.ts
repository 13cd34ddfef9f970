/** Races worth looking at. */
import type { Preset } from '../../ui/presets.js';
import type { RosenbrockSettings } from './settings.js';

export const PRESETS: readonly Preset<RosenbrockSettings>[] = [
  {
    name: 'The race of the paper',
    caption: 'Full P learns the shape of the valley and is at the minimum after 800 steps; nobody else is.',
    settings: {},
  },
  {
    name: 'Turned until a diagonal is enough',
    caption: 'At 26.6° the axes of the valley at its minimum are those of the plane.',
    settings: { rotation: 26.6, steps: '3000' },
  },
  {
    name: 'From the other side',
    caption: 'Nothing is chosen by hand (preset auto), round the bend from (−1.5, 2).',
    settings: { x: -1.5, y: 2, preset: 'auto', steps: '3000' },
  },
  {
    name: 'Too bold',
    caption: 'From P = I the first step is a thousand times too long: both preconditioners are lost.',
    settings: { initialScale: 1, rate: 2e-3 },
  },
];

/** Runs to start from, each with what to look for. */
import type { Preset } from '../../ui/presets.js';
import type { ShortHorizonSettings } from './settings.js';

export const PRESETS: readonly Preset<ShortHorizonSettings>[] = [
  {
    name: 'Steep and flat directions',
    caption:
      'Measured on another batch, the rate ends 40 to 300 times lower (by seed), and the flat directions are hardly learned.',
    settings: {},
  },
  {
    name: 'All directions alike',
    caption: 'κ = 1: nothing is flat, so looking one step ahead is right, and the small rate wins.',
    settings: { condition: 1 },
  },
  {
    name: 'Without noise in the targets',
    caption: 'σ = 0: the choice of the batch alone is noise enough for a collapse.',
    settings: { noise: 0 },
  },
  {
    name: 'Large batches',
    caption: '200 examples a batch: less noise, and the rate still collapses, only later.',
    settings: { batchSize: 200 },
  },
  {
    name: 'Momentum',
    caption: 'Averaging gradients is no protection.',
    settings: { rule: 'momentum' },
  },
];

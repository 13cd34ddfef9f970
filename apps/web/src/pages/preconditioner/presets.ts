/** Runs to start from, each with what to look for. What the captions say was seen with these settings and seed 0. */
import type { Preset } from '../../ui/presets.js';
import type { PreconditionerSettings } from './settings.js';

export const PRESETS: readonly Preset<PreconditionerSettings>[] = [
  {
    name: 'The paper’s form',
    caption: 'Whole matrices A and B for every layer, and one learned scale for each.',
    settings: {},
  },
  {
    name: 'Rank 16',
    caption:
      'A = I + U Vᵀ and B likewise, with fewer numbers: later to start, level after 500 steps. Shown is the product.',
    settings: { form: 'low-rank' },
  },
  {
    name: 'One scale for all layers',
    caption:
      'Layers that want longer steps have to wait for A, B and S: slower for 300 steps, no worse after 600.',
    settings: { scale: 'global' },
  },
  {
    name: 'P hardly moves',
    caption:
      'A, B and S adapted a hundred times more slowly: learned rates alone end at 35 nats instead of 29.',
    settings: { adaptation: 1e-5 },
  },
  {
    name: 'Eight layers',
    caption:
      'The network of the task autoencoder-tiny, with a code of ten numbers. It starts on a plateau; give it time.',
    settings: { network: 'deep', steps: 1500, kfacRate: 0.01, layer: 4 },
  },
];

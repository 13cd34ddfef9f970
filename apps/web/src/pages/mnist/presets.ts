/** The named runs of the MNIST page. What the captions say was seen with these settings and seed 0. */
import type { Preset } from '../../ui/presets.js';
import type { MnistSettings } from './settings.js';

export const PRESETS: readonly Preset<MnistSettings>[] = [
  {
    name: 'A rate that is too small',
    caption: 'At 0.001 the fixed run crawls; the self-tuned one leaves it within a few dozen steps.',
    settings: {},
  },
  {
    name: 'Six decades, one end',
    caption: 'From 10⁻⁵ the fixed run does not move at all. The other needs some 200 steps to climb.',
    settings: { rate: 1e-5 },
  },
  {
    name: 'Six decades, the other end',
    caption: 'At 10 the fixed run never does better than guessing; the self-tuned one backs off in time.',
    settings: { rate: 10 },
  },
  {
    name: 'Its own estimate',
    caption: 'No initial rate is asked for: the first batch says how far the loss can be trusted.',
    settings: { start: 'estimated', rate: 0.1 },
  },
  {
    name: 'Adam',
    caption: 'The same method around another rule: what is adapted is Adam’s own rate.',
    settings: { optimizer: 'adam', rate: 1e-5 },
  },
  {
    name: 'LeNet',
    caption: 'A small convolutional network, with momentum, from a rate of 10⁻⁴.',
    settings: { model: 'lenet', optimizer: 'momentum', rate: 1e-4, batch: 64 },
  },
];

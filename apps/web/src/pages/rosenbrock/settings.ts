/** What defines a race: the start, the angle, how the racers are set up, and how fast it is shown. */
import { choice, defineSettings, number } from '../../url/settings.js';
import { WINDOW } from './landscape.js';

export const START_RANGE = [WINDOW.low, WINDOW.high] as const;
export const ROTATION_RANGE = [-90, 90] as const;
export const RATE_RANGE = [1e-6, 1e-1] as const;
export const SCALE_RANGE = [1e-6, 1] as const;

export const SPEED_RANGE = [1, 1000] as const;

export const STEP_COUNTS = ['1000', '3000', '10000'] as const;
export const LAMBDAS = ['0', '0.03', '0.3', '3'] as const;

export interface RosenbrockSettings {
  /** The start, in the function's coordinates. */
  readonly x: number;
  readonly y: number;
  /** Degrees by which the function is turned about its minimum, counter-clockwise. */
  readonly rotation: number;
  /** Of the racer at a rate of the reader's own. */
  readonly rate: number;
  /** `paper`: Algorithm 1 with the paper's settings; `auto`: the presets of the packages, which choose the initial rates themselves. */
  readonly preset: 'paper' | 'auto';
  readonly lambdaFsd: (typeof LAMBDAS)[number];
  /** η of SGD-APO at the start; without influence under `auto`. */
  readonly initialRate: number;
  /** P at the start, as a multiple of I; without influence under `auto`. */
  readonly initialScale: number;
  readonly steps: (typeof STEP_COUNTS)[number];
  /** Steps per second that the page shows; the machine may be slower. */
  readonly speed: number;
}

export const settingsCodec = defineSettings<RosenbrockSettings>({
  x: number({ default: 1, min: START_RANGE[0], max: START_RANGE[1] }),
  y: number({ default: -1.5, min: START_RANGE[0], max: START_RANGE[1] }),
  rotation: number({ default: 0, min: ROTATION_RANGE[0], max: ROTATION_RANGE[1] }),
  rate: number({ default: 5e-4, min: RATE_RANGE[0], max: RATE_RANGE[1] }),
  preset: choice(['paper', 'auto'], 'paper'),
  lambdaFsd: choice(LAMBDAS, '0'),
  initialRate: number({ default: 1e-4, min: RATE_RANGE[0], max: RATE_RANGE[1] }),
  initialScale: number({ default: 1e-3, min: SCALE_RANGE[0], max: SCALE_RANGE[1] }),
  steps: choice(STEP_COUNTS, '1000'),
  speed: number({ default: 100, min: SPEED_RANGE[0], max: SPEED_RANGE[1] }),
});

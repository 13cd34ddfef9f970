/** What defines a run of this page. */
import { choice, defineSettings, integer, number } from '../../url/settings.js';

/** Weights of the least-squares problem. */
export const FEATURES = 20;

export type LossBatch = 'same' | 'other';
/** One side of the comparison, or both at once. */
export type Shown = LossBatch | 'both';
export type RuleName = 'sgd' | 'momentum';

export interface ShortHorizonSettings {
  readonly loss: Shown;
  readonly rule: RuleName;
  readonly noise: number;
  readonly batchSize: number;
  readonly condition: number;
  readonly lambdaFsd: number;
  readonly lambdaWsd: number;
  /** K. */
  readonly interval: number;
  /** η at the start; 0: found on the first batch. */
  readonly initialRate: number;
  readonly steps: number;
  readonly seed: number;
}

export const NOISE_RANGE = [0.03, 10] as const;
export const CONDITION_RANGE = [1, 1e5] as const;
export const LAMBDA_FSD_RANGE = [1e-3, 100] as const;
export const LAMBDA_WSD_RANGE = [1e-3, 100] as const;
export const INITIAL_RATE_RANGE = [1e-6, 1] as const;
export const BATCH_SIZE_LIMITS = [2, 500] as const;
export const INTERVAL_LIMITS = [1, 100] as const;
export const STEPS_LIMITS = [100, 10_000] as const;
export const SEED_LIMITS = [0, 9999] as const;

export const settingsCodec = defineSettings<ShortHorizonSettings>({
  loss: choice(['both', 'same', 'other'], 'both'),
  rule: choice(['sgd', 'momentum'], 'sgd'),
  noise: number({ default: 1, min: 0, max: NOISE_RANGE[1] }),
  batchSize: integer({ default: 20, min: BATCH_SIZE_LIMITS[0], max: BATCH_SIZE_LIMITS[1] }),
  condition: number({ default: 1000, min: CONDITION_RANGE[0], max: CONDITION_RANGE[1] }),
  lambdaFsd: number({ default: 0.3, min: 0, max: LAMBDA_FSD_RANGE[1] }),
  lambdaWsd: number({ default: 0, min: 0, max: LAMBDA_WSD_RANGE[1] }),
  interval: integer({ default: 10, min: INTERVAL_LIMITS[0], max: INTERVAL_LIMITS[1] }),
  initialRate: number({ default: 0, min: 0, max: INITIAL_RATE_RANGE[1] }),
  steps: integer({ default: 2000, min: STEPS_LIMITS[0], max: STEPS_LIMITS[1] }),
  seed: integer({ default: 0, min: SEED_LIMITS[0], max: SEED_LIMITS[1] }),
});

/** The sides that a run has, in the order in which they are drawn. */
export function sidesOf(shown: Shown): readonly LossBatch[] {
  return shown === 'both' ? ['same', 'other'] : [shown];
}

/** The side from whose weights the page looks ahead. */
export function viewpointOf(shown: Shown): LossBatch {
  return shown === 'same' ? 'same' : 'other';
}

/** What defines a run of the MNIST page, and the presets. Ranges are those of the controls. */
import { ENGINE_CHOICES } from '../../worker/engine-report.js';
import { choice, defineSettings, integer, number } from '../../url/settings.js';
import type { EngineChoice } from '../../worker/engine-report.js';

export const MODELS = ['mlp-32', 'mlp-100', 'mlp-256', 'lenet'] as const;
export type ModelName = (typeof MODELS)[number];

/** Widths of the multilayer perceptrons. */
export const SIZES: Readonly<Record<Exclude<ModelName, 'lenet'>, readonly number[]>> = {
  'mlp-32': [784, 32, 10],
  'mlp-100': [784, 100, 10],
  'mlp-256': [784, 256, 256, 10],
};

export const OPTIMIZERS = ['sgd', 'momentum', 'rmsprop', 'adam'] as const;
export type OptimizerName = (typeof OPTIMIZERS)[number];

export const START_RATES = ['given', 'estimated'] as const;
/** Where the self-tuned run starts: at the given initial rate, or at an estimate from its first batch. */
export type StartRate = (typeof START_RATES)[number];

export const IMAGES = ['2000', '10000', '60000'] as const;
/** How many training images there are; as text, since they are names of choices. */
export type Images = (typeof IMAGES)[number];

export const RATE_RANGE = { min: 1e-5, max: 10 } as const;
export const FSD_RANGE = { min: 0.001, max: 100 } as const;
export const WSD_RANGE = { min: 1e-5, max: 100 } as const;
export const INTERVAL_RANGE = { min: 1, max: 100 } as const;
export const STEPS_RANGE = { min: 10, max: 5000 } as const;
export const BATCH_RANGE = { min: 8, max: 512 } as const;
export const SEED_RANGE = { min: 0, max: 9999 } as const;

export interface MnistSettings {
  model: ModelName;
  optimizer: OptimizerName;
  /** Initial learning rate of both runs. */
  rate: number;
  start: StartRate;
  /** λ_FSD; 0: no function-space term. */
  fsd: number;
  /** λ_WSD; 0: no weight-space term. */
  wsd: number;
  /** K: steps between meta-steps. */
  k: number;
  /** Of the initial weights and of the order of the images. */
  seed: number;
  /** Images a batch. */
  batch: number;
  images: Images;
  /** Where the run ends. */
  steps: number;
  engine: EngineChoice;
  /** Of the WASM engine; 0: as many as it likes. Their number decides the last bits of the results. */
  threads: number;
}

/** λ_FSD = 0.3, λ_WSD = 0 and K = 10 are the defaults of `@apo/core`. */
export const codec = defineSettings<MnistSettings>({
  model: choice(MODELS, 'mlp-100'),
  optimizer: choice(OPTIMIZERS, 'sgd'),
  rate: number({ default: 0.001, ...RATE_RANGE }),
  start: choice(START_RATES, 'given'),
  fsd: number({ default: 0.3, min: 0, max: FSD_RANGE.max }),
  wsd: number({ default: 0, min: 0, max: WSD_RANGE.max }),
  k: integer({ default: 10, ...INTERVAL_RANGE }),
  seed: integer({ default: 0, ...SEED_RANGE }),
  batch: integer({ default: 100, ...BATCH_RANGE }),
  images: choice(IMAGES, '10000'),
  steps: integer({ default: 500, ...STEPS_RANGE }),
  engine: choice(ENGINE_CHOICES, 'auto'),
  threads: integer({ default: 0, min: 0, max: 8 }),
});

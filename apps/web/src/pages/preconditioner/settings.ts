/** What defines a run of this page, and which part of it is looked at. */
import { ENGINE_CHOICES } from '../../worker/engine-report.js';
import type { EngineChoice } from '../../worker/engine-report.js';
import { choice, defineSettings, integer, number } from '../../url/settings.js';

export const NETWORKS = ['small', 'deep'] as const;
export type NetworkName = (typeof NETWORKS)[number];

export const FORMS = ['full', 'low-rank'] as const;
export type Form = (typeof FORMS)[number];

export const SCALES = ['layer', 'global'] as const;
export type Scale = (typeof SCALES)[number];

export const IMAGES = ['2000', '10000', '60000'] as const;
/** How many training images there are; as text, since they are names of choices. */
export type Images = (typeof IMAGES)[number];

/** Entries themselves, or how far they are from where they started. */
export const SHOWN = ['change', 'value'] as const;
export type Shown = (typeof SHOWN)[number];

export const AXES = ['steps', 'seconds'] as const;
export type Axis = (typeof AXES)[number];

export const RATE_RANGE = { min: 1e-4, max: 1 } as const;
export const ADAPTATION_RANGE = { min: 1e-5, max: 1e-1 } as const;
export const FSD_RANGE = { min: 1e-3, max: 100 } as const;
export const WSD_RANGE = { min: 1e-5, max: 10 } as const;
export const INTERVAL_RANGE = { min: 1, max: 50 } as const;
export const INITIAL_RATE_RANGE = { min: 1e-5, max: 10 } as const;
export const BATCH_RANGE = { min: 16, max: 512 } as const;
export const STEPS_RANGE = { min: 10, max: 5000 } as const;
export const SEED_RANGE = { min: 0, max: 9999 } as const;

/** What the run depends on. */
export interface RunSettings {
  readonly network: NetworkName;
  readonly form: Form;
  /** One learned η, or one for each layer. */
  readonly scale: Scale;
  /** Rate of the Adam that moves A, B and S. */
  readonly adaptation: number;
  /** λ_FSD; 0: no function-space term. */
  readonly fsd: number;
  /** λ_WSD. */
  readonly wsd: number;
  /** K: steps between meta-steps. */
  readonly k: number;
  /** η at the start; 0: found on the first batch. */
  readonly initialRate: number;
  readonly momentumRate: number;
  readonly kfacRate: number;
  /** Of the initial weights and of the order of the images. */
  readonly seed: number;
  readonly batch: number;
  readonly images: Images;
  readonly steps: number;
  readonly engine: EngineChoice;
}

export interface PreconditionerSettings extends RunSettings {
  /** 1 for the first layer. */
  readonly layer: number;
  readonly shown: Shown;
  readonly axis: Axis;
}

export const codec = defineSettings<PreconditionerSettings>({
  network: choice(NETWORKS, 'small'),
  form: choice(FORMS, 'full'),
  scale: choice(SCALES, 'layer'),
  adaptation: number({ default: 1e-3, ...ADAPTATION_RANGE }),
  fsd: number({ default: 0.03, min: 0, max: FSD_RANGE.max }),
  wsd: number({ default: 0, min: 0, max: WSD_RANGE.max }),
  k: integer({ default: 1, ...INTERVAL_RANGE }),
  initialRate: number({ default: 0, min: 0, max: INITIAL_RATE_RANGE.max }),
  momentumRate: number({ default: 0.01, ...RATE_RANGE }),
  kfacRate: number({ default: 0.03, ...RATE_RANGE }),
  seed: integer({ default: 0, ...SEED_RANGE }),
  batch: integer({ default: 128, ...BATCH_RANGE }),
  images: choice(IMAGES, '10000'),
  steps: integer({ default: 600, ...STEPS_RANGE }),
  engine: choice(ENGINE_CHOICES, 'wasm'),
  layer: integer({ default: 1, min: 1, max: 8 }),
  shown: choice(SHOWN, 'change'),
  axis: choice(AXES, 'steps'),
});

const VIEW: readonly (keyof PreconditionerSettings)[] = ['layer', 'shown', 'axis'];

/** Whether both say the same run, wherever the reader looks. */
export function isSameRun(one: PreconditionerSettings, other: PreconditionerSettings): boolean {
  return (Object.keys(one) as (keyof PreconditionerSettings)[]).every(
    (key) => VIEW.includes(key) || one[key] === other[key],
  );
}

/** What the MNIST page and its worker say to each other. */
import type { StartedRun, TrainingEvent } from '../../training/contract.js';
import type { MnistSettings } from './settings.js';

/** The two runs, which see the same batches from the same initial weights. */
export const RUNS = ['fixed', 'tuned'] as const;
export type RunName = (typeof RUNS)[number];
export type ByRun<T> = Readonly<Record<RunName, T>>;

/** One meta-step of the self-tuned run. */
export interface MetaStep {
  /** 1 for the first step. */
  readonly step: number;
  /** The learning rate after it. */
  readonly rate: number;
  /** Q at the lookahead; null where it was not finite. */
  readonly q: number | null;
  readonly accepted: boolean;
}

/** Both networks on the same test images. */
export interface Evaluation {
  /** After how many steps. */
  readonly step: number;
  /** Share of right answers; null once the run has failed. */
  readonly accuracy: ByRun<number | null>;
}

/** What happened since the last event of this kind. */
export interface Progress {
  readonly type: 'progress';
  /** Steps taken so far. */
  readonly step: number;
  /** The loss of each new step's batch before the step; shorter than the steps where the run failed. */
  readonly losses: ByRun<readonly number[]>;
  /** The step whose loss was not finite; the run has ended there. */
  readonly failedAt: ByRun<number | null>;
  readonly metaSteps: readonly MetaStep[];
  readonly evaluation: Evaluation | null;
  /** The answers to the test images at the last evaluation, one digit each. */
  readonly answers: ByRun<Uint8Array> | null;
  /** Milliseconds and steps of each run since the start, without those of the engine's warming up. */
  readonly timing: ByRun<Timing>;
  /** Tensors that the engine holds. */
  readonly tensors: number;
}

export interface Timing {
  readonly steps: number;
  readonly milliseconds: number;
}

export type MnistEvent = TrainingEvent<Progress>;

export interface StartRequest {
  readonly settings: MnistSettings;
  /** Where the shards are; ends in a slash. */
  readonly dataUrl: string;
}

export interface Started extends StartedRun {
  /** `[count, 784]` and `[count]`, the images that the networks are tested on. */
  readonly test: { readonly images: Uint8Array; readonly labels: Uint8Array };
  readonly parameters: number;
}

export interface MnistContract {
  readonly calls: {
    /** Ends what runs, loads what is missing, and begins with step 1. */
    readonly start: (request: StartRequest) => Promise<Started>;
    readonly pause: (argument: null) => void;
    readonly resume: (argument: null) => void;
    /** Probabilities of the ten digits for an image of 784 bytes. */
    readonly classify: (image: Uint8Array) => Promise<ByRun<readonly number[]>>;
    /** Ends what runs and says how many tensors are left. */
    readonly stop: (argument: null) => Promise<number>;
  };
  readonly event: MnistEvent;
}

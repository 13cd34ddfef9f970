/** What the page and its worker say to each other. */
import type { StartedRun, TrainingEvent } from '../../training/contract.js';
import type { RunSettings } from './settings.js';

/** The three runs, in the order in which they are drawn; they see the same batches from the same initial weights. */
export const RUNS = ['momentum', 'kfac', 'apo'] as const;
export type RunName = (typeof RUNS)[number];
export type ByRun<T> = Readonly<Record<RunName, T>>;

export interface Timing {
  readonly steps: number;
  readonly milliseconds: number;
}

/** Why a run has ended before the others. */
export interface Breakdown {
  readonly step: number;
  readonly reason: string;
}

/** A factor of the preconditioner, row-major. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

/** P of one layer: A `[outputs, outputs]`, B `[inputs + 1, inputs + 1]`, S `[inputs + 1, outputs]`. */
export interface LayerMatrices {
  readonly layer: number;
  /** Steps taken when they were read. */
  readonly step: number;
  /** η of the layer's block. */
  readonly rate: number;
  readonly A: Matrix;
  readonly B: Matrix;
  readonly S: Matrix;
}

/** What the networks make of the ten example images. */
export interface Pictures {
  readonly step: number;
  /** `[10, 196]` for each run, 0 … 255. */
  readonly reconstructions: ByRun<Uint8Array>;
  /** Mean loss on the test images, nats an image; null for a run that has broken down. */
  readonly testLoss: ByRun<number | null>;
}

export interface Progress {
  readonly type: 'progress';
  readonly step: number;
  /** The loss of each new step's batch before the step, nats an image; shorter where a run broke down. */
  readonly losses: ByRun<readonly number[]>;
  /** Milliseconds and steps of each run so far, without those of the engine's warming up. */
  readonly timing: ByRun<Timing>;
  /** The learned η; 0 before the first step. */
  readonly rate: number;
  readonly broken: ByRun<Breakdown | null>;
  readonly pictures: Pictures | null;
  readonly matrices: LayerMatrices | null;
  /** Tensors that the engine holds. */
  readonly tensors: number;
}

export type PreconditionerEvent = TrainingEvent<Progress>;

export interface StartRequest {
  readonly settings: RunSettings;
  /** Of the folder with MNIST's shards, ending in a slash. */
  readonly dataUrl: string;
  /** Whose matrices are wanted. */
  readonly layer: number;
}

export interface Started extends StartedRun {
  /** The ten example images `[10, 196]`, one of each digit. */
  readonly examples: Uint8Array;
}

export interface PreconditionerContract {
  readonly calls: {
    readonly start: (request: StartRequest) => Started;
    readonly pause: (nothing: null) => void;
    readonly resume: (nothing: null) => void;
    /** From now on the matrices of this layer are reported; those of the moment are the answer, null when there is no run. */
    readonly watch: (layer: number) => LayerMatrices | null;
    /** Frees the run and answers with the number of tensors that are left. */
    readonly stop: (nothing: null) => number;
  };
  readonly event: PreconditionerEvent;
}

/** What the page and its worker say to each other. */
import type { HorizonCurve } from './horizon.js';
import type { Progress } from './session.js';
import type { ShortHorizonSettings } from './settings.js';

export interface RunRequest {
  /** Tells the reports of this run from those of the ones before it. */
  readonly run: number;
  readonly settings: ShortHorizonSettings;
}

export interface RunReport {
  /** False when another run was asked for before this one was done. */
  readonly finished: boolean;
  /** Milliseconds of the steps themselves. */
  readonly milliseconds: number;
  /** Tensors of the engine after the run has freed its own: the same after every run. */
  readonly tensors: number;
}

export type ShortHorizonEvent =
  | { readonly type: 'progress'; readonly run: number; readonly progress: Progress }
  | { readonly type: 'horizons'; readonly run: number; readonly curves: readonly HorizonCurve[] };

export interface ShortHorizonContract {
  readonly calls: {
    /** Takes all steps of a run; a later call ends it. */
    readonly run: (request: RunRequest) => RunReport;
  };
  readonly event: ShortHorizonEvent;
}

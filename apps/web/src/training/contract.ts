/** What the pages that train on MNIST have in common: the events of their workers, and the calls that start, hold and end a run. */
import type { EngineReport } from '../worker/engine-report.js';

/** `P`: what a worker reports of its steps. */
export type TrainingEvent<P extends { readonly type: 'progress' }> =
  | { readonly type: 'loading'; readonly loaded: number; readonly total: number }
  | P
  /** The run is over: its last step was taken, or nothing is left that could go on. */
  | { readonly type: 'finished' }
  /** The GPU is gone. A fresh worker on WASM can start again. */
  | { readonly type: 'lost'; readonly message: string };

/** What a worker says when a run begins. */
export interface StartedRun {
  readonly engine: EngineReport;
}

/** Files of MNIST. */
export interface Loading {
  readonly loaded: number;
  readonly total: number;
}

export type Phase = 'idle' | 'loading' | 'running' | 'paused' | 'finished' | 'failed';

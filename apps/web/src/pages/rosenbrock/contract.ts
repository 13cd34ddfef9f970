/** What the page of the race and its worker say to each other. */
import type { FixedRate } from './best-rate.js';
import type { RacerId } from './entrants.js';
import type { RosenbrockSettings } from './settings.js';

/** What is recorded of one racer after one step: its place, f there, and P as [[a, b], [b, c]]. */
export const COLUMNS = ['x', 'y', 'value', 'a', 'b', 'c'] as const;

/** Steps `from` … `from + count − 1`, row by row in the order of COLUMNS; NaN for a racer that has diverged. */
export interface Chunk {
  readonly from: number;
  readonly count: number;
  readonly rows: Readonly<Record<RacerId, Float64Array<ArrayBuffer>>>;
}

export interface StartRequest {
  /** Tells the events of this race from those of the ones before it. */
  readonly run: number;
  readonly settings: RosenbrockSettings;
  /** Steps per second; 0 waits. */
  readonly speed: number;
}

export interface RosenbrockContract {
  readonly calls: {
    /** Ends the race before it, if any; answers with the best fixed rate, found for this start. */
    readonly start: (request: StartRequest) => FixedRate;
    /** Another speed, in steps per second; 0 pauses. */
    readonly pace: (speed: number) => void;
    /** So many steps at once, for a race that is paused. */
    readonly step: (count: number) => void;
  };
  readonly event: {
    readonly type: 'progress';
    readonly run: number;
    readonly chunk: Chunk;
    readonly finished: boolean;
    /** Of the engine, all races so far included: the same for every race. */
    readonly tensors: number;
  };
}

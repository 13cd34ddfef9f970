/** What a run tells while it trains, and what shows it. */

/** The state of a run after a step. */
export interface ProgressState {
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  /** Absent where there is none. */
  readonly learningRate?: number;
  /** The last evaluation's, in [0, 1]. */
  readonly testAccuracy?: number;
  readonly stepsPerSecond: number;
  /** Estimated from the speed so far. */
  readonly secondsLeft: number;
}

export interface Progress {
  update(state: ProgressState): void;
  /** A line that stays, for example a warning. */
  note(text: string): void;
  /** As a note, of interest only to someone who watches. */
  detail(text: string): void;
  /** Leaves the last state on the screen. */
  stop(): void;
}

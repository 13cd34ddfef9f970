/** What a run tells while it trains, and the choice of how it is shown: bar, lines, JSON for programs, or nothing. */
import type { Io } from '../io.js';
import { barProgress } from './bar.js';
import { jsonProgress, lineProgress } from './lines.js';

/** The state of a run after a step. */
export interface ProgressState {
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly learningRate: number;
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
  /** Leaves the last state on the screen. */
  stop(): void;
}

export const progressKinds = ['auto', 'bar', 'lines', 'json', 'none'] as const;
export type ProgressKind = (typeof progressKinds)[number];

/** `auto` is a bar on a terminal and lines elsewhere. Everything goes to stderr; `none` keeps notes (warnings). */
export function createProgress(kind: ProgressKind, io: Io): Progress {
  const chosen = kind === 'auto' ? (io.stderr.isTTY === true ? 'bar' : 'lines') : kind;
  switch (chosen) {
    case 'bar':
      return barProgress(io.stderr);
    case 'lines':
      return lineProgress(io.stderr);
    case 'json':
      return jsonProgress(io.stderr);
    case 'none':
      return { update: () => undefined, note: (text) => io.stderr.write(`${text}\n`), stop: () => undefined };
    default:
      return chosen satisfies never;
  }
}

/** The choice of how a run's progress is shown: a bar, lines, JSON for programs, or nothing. */
import type { Io } from '../io.js';
import { barProgress } from './bar.js';
import { jsonProgress, lineProgress } from './lines.js';
import type { Progress } from './state.js';

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
      return {
        update: () => undefined,
        note: (text) => io.stderr.write(`${text}\n`),
        detail: () => undefined,
        stop: () => undefined,
      };
    default:
      return chosen satisfies never;
  }
}

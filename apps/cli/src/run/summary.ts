/** `summary.json`: what a run was and how it ended. Scripts rely on these names. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApoError } from '@apo/core';
import { writeFileAtomic } from '../atomic-file.js';

export interface Summary {
  readonly task: string;
  readonly optimizer: string;
  readonly engine: string;
  readonly seed: number;
  /** Steps taken, earlier parts of a resumed run included. */
  readonly steps: number;
  /** Mean loss over the first 10,000 training examples with the final weights; `null` when it is not finite. */
  readonly trainLoss: number | null;
  /** On the whole test set, in [0, 1]; `null` for a task without one. */
  readonly testAccuracy: number | null;
  /** The global learning rate at the end (geometric mean over groups when there are several). */
  readonly learningRate: number | null;
  /** Training steps per second of training time: evaluations, checkpoints and start-up are not counted. */
  readonly stepsPerSecond: number;
  readonly metaSteps: number;
  /** Meta-steps that were undone because they made Q worse or non-finite. */
  readonly rejected: number;
  /** True when the loss stopped being finite; the run ended there. */
  readonly failed: boolean;
  /** Why it failed. */
  readonly reason?: string;
  readonly testLoss: number | null;
  /** Training time in seconds, as in `stepsPerSecond`. */
  readonly trainingSeconds: number;
  /** ISO 8601. */
  readonly finishedAt: string;
  /** Every option of the run, defaults included. */
  readonly options: Readonly<Record<string, string | number | boolean>>;
}

export function summaryPath(directory: string): string {
  return join(directory, 'summary.json');
}

export function writeSummary(directory: string, summary: Summary): void {
  writeFileAtomic(summaryPath(directory), `${JSON.stringify(summary, null, 2)}\n`);
}

/** The summary of a finished run, or `undefined` where there is none. @throws ApoError `DATA_CORRUPT` when it cannot be read. */
export function readSummary(directory: string): Summary | undefined {
  const path = summaryPath(directory);
  if (!existsSync(path)) return undefined;
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value === 'object' && value !== null && 'task' in value && 'optimizer' in value) {
      return value as Summary;
    }
  } catch {
    // Reported below.
  }
  throw new ApoError('DATA_CORRUPT', `${path} is not the summary of a run; run again with --force.`);
}

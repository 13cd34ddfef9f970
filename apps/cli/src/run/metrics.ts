/** `metrics.jsonl`: one JSON object a logged step, in order of steps. A resumed run cuts the file back to its checkpoint. */
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { ApoError } from '@apo/core';
import { writeFileAtomic } from '../atomic-file.js';

/** A line of `metrics.jsonl`. A number that was not finite is written as `null`. */
export interface Metrics {
  /** 1 for the first step. */
  readonly step: number;
  /** Mean loss of the mini-batch before the step. */
  readonly loss: number | null;
  /** The global learning rate with which the step was taken (geometric mean over groups when there are several). */
  readonly learningRate: number | null;
  /** Finished epochs, with the fraction of the current one. */
  readonly epoch?: number;
  /** By group, when there are several. */
  readonly learningRates?: Readonly<Record<string, number>>;
  /** At a meta-step: Q and its three terms at the lookahead (Eq. 8). */
  readonly q?: number | null;
  readonly lookaheadLoss?: number | null;
  readonly fsd?: number | null;
  readonly wsd?: number | null;
  readonly metaGradientNorm?: number | null;
  readonly accepted?: boolean;
  /** At an evaluation: mean loss and accuracy on the whole test set. */
  readonly testLoss?: number | null;
  readonly testAccuracy?: number | null;
}

/** Appends lines; each is on the disk's file when `write` returns. */
export class MetricsWriter {
  private readonly file: number;
  private open = true;

  /** Starts an empty file, or keeps the lines up to and including step `keepThrough`. */
  constructor(path: string, keepThrough = 0) {
    const kept =
      keepThrough > 0 && existsSync(path) ? readMetrics(path).filter((m) => m.step <= keepThrough) : [];
    writeFileAtomic(path, kept.map((m) => `${JSON.stringify(m)}\n`).join(''));
    this.file = openSync(path, 'a');
  }

  write(metrics: Metrics): void {
    writeSync(this.file, `${JSON.stringify(metrics)}\n`);
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    closeSync(this.file);
  }
}

/**
 * Every line of a metrics file. A last line that was cut off by a crash is left out.
 * @throws ApoError `DATA_CORRUPT` for any other line that is not such an object.
 */
export function readMetrics(path: string): Metrics[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  const complete = lines.slice(0, -1);
  return complete.map((line, i) => parseLine(line, `${path}:${i + 1}`));
}

function parseLine(line: string, where: string): Metrics {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null && 'step' in value && Number.isInteger(value.step)) {
      return value as Metrics;
    }
  } catch {
    // Reported below, like any other line that is not a metrics object.
  }
  throw new ApoError(
    'DATA_CORRUPT',
    `${where} is not a metrics line: expected a JSON object with a whole number "step". Restore the file, or run again with --force.`,
  );
}

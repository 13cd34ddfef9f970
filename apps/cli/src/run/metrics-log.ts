/** Joins what the trainer, the meta-steps and the evaluations say about a step into one metrics line, and decides which steps get one. */
import type { MetaStepStatistics, TrainLog } from '@apo/core';
import type { Metrics } from './metrics.js';

type Line = { -readonly [K in keyof Metrics]: Metrics[K] };

export interface MetricsLogOptions {
  /** Steps 1, `logEvery`, 2·`logEvery`, … get a line, also the last one, meta-steps, evaluations, and a loss that is not finite. */
  readonly logEvery: number;
  readonly lastStep: number;
  /** `Infinity` where there are no epochs. */
  readonly batchesPerEpoch: number;
  readonly write: (line: Metrics) => void;
}

/** Steps that have been reported but not written, in order. */
export class MetricsLog {
  private readonly lines = new Map<number, Line>();
  private readonly noted = new Set<number>();

  constructor(private readonly options: MetricsLogOptions) {}

  /** The loss and the learning rate of a step. */
  onLog({ step, loss, learningRate, learningRates }: TrainLog): void {
    const { batchesPerEpoch } = this.options;
    if (!Number.isFinite(loss)) this.noted.add(step);
    Object.assign(this.line(step), {
      loss: finite(loss),
      learningRate: finite(learningRate),
      ...(Number.isFinite(batchesPerEpoch) && { epoch: step / batchesPerEpoch }),
      ...(Object.keys(learningRates).length > 1 && { learningRates }),
    });
  }

  onMetaStep({ step, q, loss, fsd, wsd, metaGradientNorm, accepted }: MetaStepStatistics): void {
    this.noted.add(step);
    Object.assign(this.line(step), {
      q: finite(q),
      lookaheadLoss: finite(loss),
      fsd: finite(fsd),
      wsd: finite(wsd),
      metaGradientNorm: finite(metaGradientNorm),
      accepted,
    });
  }

  onEvaluation(step: number, loss: number, accuracy: number | undefined): void {
    this.noted.add(step);
    Object.assign(this.line(step), {
      testLoss: finite(loss),
      ...(accuracy !== undefined && { testAccuracy: accuracy }),
    });
  }

  /** Writes every step up to `step`, which have all been reported. */
  writeThrough(step: number): void {
    const due = [...this.lines.keys()].filter((reported) => reported <= step).sort((a, b) => a - b);
    for (const reported of due) {
      if (this.hasLine(reported)) this.options.write(this.lines.get(reported)!);
      this.lines.delete(reported);
      this.noted.delete(reported);
    }
  }

  private hasLine(step: number): boolean {
    const { logEvery, lastStep } = this.options;
    return step === 1 || step % logEvery === 0 || step === lastStep || this.noted.has(step);
  }

  private line(step: number): Line {
    let line = this.lines.get(step);
    if (line === undefined) {
      line = { step, loss: null, learningRate: null };
      this.lines.set(step, line);
    }
    return line;
  }
}

/** JSON has no NaN and no infinity. */
export function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

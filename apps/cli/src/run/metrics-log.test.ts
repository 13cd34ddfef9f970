import type { MetaStepStatistics, TrainLog } from '@apo/core';
import { describe, expect, it } from 'vitest';
import { MetricsLog } from './metrics-log.js';
import type { Metrics } from './metrics.js';

const logged = (step: number, loss = 0.5): TrainLog => ({
  step,
  epoch: 1,
  loss,
  learningRate: 0.1,
  learningRates: { all: 0.1 },
  stepsPerSecond: 10,
  timeLeft: 1,
});

const meta = (step: number): MetaStepStatistics => ({
  step,
  q: 6,
  loss: 3,
  fsd: 2,
  wsd: 1,
  metaGradientNorm: 0.25,
  accepted: false,
  learningRates: { all: 0.1 },
});

function collect(batchesPerEpoch = 4): { log: MetricsLog; lines: Metrics[] } {
  const lines: Metrics[] = [];
  const log = new MetricsLog({
    logEvery: 5,
    lastStep: 12,
    batchesPerEpoch,
    write: (line) => lines.push(line),
  });
  return { log, lines };
}

describe('MetricsLog', () => {
  it('writes the first step, every fifth and the last one, in order and once', () => {
    const { log, lines } = collect();
    for (let step = 1; step <= 12; step++) {
      log.onLog(logged(step));
      log.writeThrough(step - 2);
    }
    expect(lines.map((line) => line.step)).toEqual([1, 5, 10]);
    log.writeThrough(12);
    log.writeThrough(12);
    expect(lines.map((line) => line.step)).toEqual([1, 5, 10, 12]);
    expect(lines[1]).toEqual({ step: 5, loss: 0.5, learningRate: 0.1, epoch: 1.25 });
  });

  it('joins what is said about a step, whatever comes first', () => {
    const { log, lines } = collect();
    log.onMetaStep(meta(2));
    log.onLog(logged(2));
    log.onLog(logged(3));
    log.onMetaStep(meta(3));
    log.onEvaluation(3, 0.7, 0.9);
    log.onLog(logged(4));
    log.writeThrough(4);
    const joined = {
      loss: 0.5,
      learningRate: 0.1,
      q: 6,
      lookaheadLoss: 3,
      fsd: 2,
      wsd: 1,
      metaGradientNorm: 0.25,
    };
    expect(lines).toEqual([
      { step: 2, epoch: 0.5, accepted: false, ...joined },
      { step: 3, epoch: 0.75, accepted: false, ...joined, testLoss: 0.7, testAccuracy: 0.9 },
    ]);
  });

  it('writes null for a loss that is not finite, at whatever step', () => {
    const { log, lines } = collect();
    log.onLog(logged(3, Number.NaN));
    log.writeThrough(3);
    expect(lines).toEqual([{ step: 3, loss: null, learningRate: 0.1, epoch: 0.75 }]);
  });

  it('leaves out epochs where there are none, and names several groups', () => {
    const { log, lines } = collect(Infinity);
    log.onLog({ ...logged(1), learningRates: { a: 0.2, b: 0.05 } });
    log.writeThrough(1);
    expect(lines).toEqual([{ step: 1, loss: 0.5, learningRate: 0.1, learningRates: { a: 0.2, b: 0.05 } }]);
  });
});

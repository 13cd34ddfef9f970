import { expect, it } from 'vitest';
import type { Progress } from './contract.js';
import { EMPTY_RECORD, lossChart, lossNow, secondsPerStep, withProgress } from './record.js';

const matrix = { rows: 1, columns: 1, values: Float32Array.of(1) };
const progress = (changes: Partial<Progress>): Progress => ({
  type: 'progress',
  step: 2,
  losses: { momentum: [50, 40], kfac: [50, 30], apo: [50, 20] },
  timing: {
    momentum: { steps: 2, milliseconds: 200 },
    kfac: { steps: 2, milliseconds: 400 },
    apo: { steps: 2, milliseconds: 800 },
  },
  rate: 0.5,
  broken: EMPTY_RECORD.broken,
  pictures: null,
  matrices: null,
  tensors: 7,
  ...changes,
});

it('adds reports up and keeps the last pictures and matrices', () => {
  const matrices = { layer: 1, step: 2, rate: 0.5, A: matrix, B: matrix, S: matrix };
  const bytes = Uint8Array.of(9);
  const pictures = {
    step: 2,
    reconstructions: { momentum: bytes, kfac: bytes, apo: bytes },
    testLoss: { momentum: 40, kfac: null, apo: 20 },
  };
  const first = withProgress(EMPTY_RECORD, progress({ matrices, pictures }));
  const second = withProgress(
    first,
    progress({ step: 3, losses: { momentum: [39], kfac: [], apo: [19] }, rate: 0.4 }),
  );
  expect(second.losses).toEqual({ momentum: [50, 40, 39], kfac: [50, 30], apo: [50, 20, 19] });
  expect(second.rates).toEqual([
    { step: 2, rate: 0.5 },
    { step: 3, rate: 0.4 },
  ]);
  expect(second.testLosses).toEqual([{ step: 2, testLoss: { momentum: 40, kfac: null, apo: 20 } }]);
  expect(second.reconstructions).toBe(pictures.reconstructions);
  expect(second.matrices).toBe(matrices);
  // The report before the first step has no rate yet.
  expect(withProgress(EMPTY_RECORD, progress({ step: 0, rate: 0 })).rates).toEqual([]);
});

it('draws means against the step, with nothing where a run has ended', () => {
  const record = withProgress(
    EMPTY_RECORD,
    progress({ losses: { momentum: [50, 40], kfac: [50], apo: [50, 20] } }),
  );
  expect(lossChart(record, 'steps')).toEqual({
    x: [1, 2],
    series: [
      [50, 45],
      [50, null],
      [50, 35],
    ],
  });
});

it('draws them against the seconds of each run by itself', () => {
  const record = withProgress(EMPTY_RECORD, progress({}));
  const { x, series } = lossChart(record, 'seconds');
  // Two steps of the slowest run take .8 s; momentum has done one after .1 s and both after .2 s.
  expect(x.at(-1)).toBeCloseTo(0.8, 12);
  const at = (time: number) => x.findIndex((value) => value >= time - 1e-9);
  expect(series[0]![at(0.09)]).toBeNull();
  expect(series[0]![at(0.15)]).toBe(50);
  expect(series[0]![at(0.2)]).toBe(45);
  // Then it has nothing more.
  expect(series[0]![at(0.5)]).toBeNull();
  expect(series[2]![at(0.5)]).toBe(50);
  expect(series[2]!.at(-1)).toBe(35);
  expect(lossChart(EMPTY_RECORD, 'seconds').x).toEqual([]);
});

it('says the pace and the loss of now, once there are any', () => {
  expect(secondsPerStep({ steps: 4, milliseconds: 100 })).toBe(0.025);
  expect(secondsPerStep({ steps: 0, milliseconds: 0 })).toBeUndefined();
  expect(lossNow([1, 3])).toBe(2);
  expect(lossNow([])).toBeUndefined();
});

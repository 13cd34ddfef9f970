import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { RATES } from './horizon.js';
import { ShortHorizonSession } from './session.js';
import type { Progress } from './session.js';
import { settingsCodec } from './settings.js';
import type { ShortHorizonSettings } from './settings.js';

function run(changes: Partial<ShortHorizonSettings>): Progress {
  const session = new ShortHorizonSession({ ...settingsCodec.defaults, ...changes });
  try {
    return session.advance(() => false);
  } finally {
    session.dispose();
  }
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

describe('ShortHorizonSession', () => {
  it.each([0, 1])('with the loss on another batch the learning rate collapses: seed %i', (seed) => {
    const { same, other } = run({ steps: 600, seed }).sides;
    const late = (rates: readonly number[]) => median(rates.slice(-300));
    expect(late(other!.rates)).toBeLessThan(0.2 * late(same!.rates));
    // And training stalls: after 600 steps it has more to gain than the other run.
    expect(other!.excess.at(-1)!).toBeGreaterThan(same!.excess.at(-1)!);
  });

  it('the collapsed rate is the one that is best for a single step, and 100 steps want a far larger one', () => {
    const session = new ShortHorizonSession({ ...settingsCodec.defaults, loss: 'other', lambdaFsd: 0 });
    const { rates, greedy } = session.advance(() => false).sides.other!;
    const ratio = median(rates.slice(-1000).map((rate, i) => rate / greedy.slice(-1000)[i]!));
    expect(ratio).toBeGreaterThan(1 / 3);
    expect(ratio).toBeLessThan(3);
    const [single, , hundred] = session.horizons('other')!.map(({ best }) => RATES[best]!);
    expect(hundred!).toBeGreaterThan(5 * single!);
    session.dispose();
  });

  it('where all directions are equally steep the greedy rate is the right one', () => {
    const { same, other } = run({ condition: 1, steps: 500 }).sides;
    expect(other!.excess.at(-1)!).toBeLessThan(0.1 * same!.excess.at(-1)!);
  });

  it('runs one side alone with the same bits as beside the other', () => {
    const both = run({ steps: 60 });
    expect(run({ steps: 60, loss: 'same' }).sides).toEqual({ same: both.sides.same });
    expect(run({ steps: 60, loss: 'other' }).sides).toEqual({ other: both.sides.other });
  });

  it('gives the same bits in pieces', () => {
    const settings = { ...settingsCodec.defaults, steps: 50 };
    const session = new ShortHorizonSession(settings);
    const rates: number[] = [];
    const metaSteps: number[] = [];
    while (session.steps < settings.steps) {
      const { sides, metaSteps: some } = session.advance((taken) => taken === 7);
      rates.push(...sides.same!.rates);
      metaSteps.push(...some);
    }
    session.dispose();
    const whole = run({ steps: 50 });
    expect(rates).toEqual(whole.sides.same!.rates);
    expect(metaSteps).toEqual(whole.metaSteps);
    // Every step up to 20, then every tenth from the first on.
    expect(metaSteps).toEqual([...Array.from({ length: 20 }, (_, i) => i + 1), 21, 31, 41]);
  });

  it('says as many meta-steps as Apo takes: the rate moves at them and nowhere else', () => {
    const { sides, metaSteps } = run({ steps: 80, interval: 7 });
    const moved = sides
      .same!.rates.map((rate, i) => (i > 0 && rate !== sides.same!.rates[i - 1] ? i + 1 : 0))
      .filter((step) => step > 0);
    expect(moved.every((step) => metaSteps.includes(step))).toBe(true);
    expect(moved.length).toBeGreaterThan(20);
  });

  it('starts from the rate that is given', () => {
    // One meta-step at the first step moves log η by at most the .3 of the preset.
    const { rates } = run({ steps: 100, initialRate: 1e-4, loss: 'same' }).sides.same!;
    expect(Math.abs(Math.log(rates[0]! / 1e-4))).toBeLessThan(0.3 + 1e-5);
  });

  it('trains with momentum, too', () => {
    const { same } = run({ steps: 300, rule: 'momentum', loss: 'same' }).sides;
    expect(same!.excess.at(-1)!).toBeLessThan(0.5 * same!.excess[0]!);
  });

  it('draws the curves of the weights that it has', () => {
    const session = new ShortHorizonSession({ ...settingsCodec.defaults, steps: 300, loss: 'other' });
    session.advance(() => false);
    const best = session.horizons('other')!.map((curve) => curve.best);
    expect(best[3]!).toBeGreaterThan(best[0]!);
    expect(session.horizons('same')).toBeUndefined();
    session.dispose();
  });

  it('leaves no tensor behind, in ten sessions', () => {
    run({ steps: 100 });
    const before = tf.memory().numTensors;
    for (let i = 0; i < 10; i++) run({ steps: 100, seed: i });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('keeps the number of tensors while it runs', () => {
    const session = new ShortHorizonSession({ ...settingsCodec.defaults, steps: 2000 });
    session.advance((taken) => taken === 30);
    const before = tf.memory().numTensors;
    session.advance(() => false);
    expect(tf.memory().numTensors).toBe(before);
    session.dispose();
  });
});

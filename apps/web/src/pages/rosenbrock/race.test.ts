import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { descend } from './best-rate.js';
import { gradientAt, toFunction, toPlane } from './landscape.js';
import { Race } from './race.js';
import type { Standings } from './race.js';
import { RACERS } from './entrants.js';
import type { RacerId } from './entrants.js';
import { settingsCodec } from './settings.js';
import type { RosenbrockSettings } from './settings.js';

beforeAll(() => tf.setBackend('cpu'));

const { defaults } = settingsCodec;

function raced(
  settings: Partial<RosenbrockSettings>,
  steps: number,
  racers: readonly RacerId[] = RACERS,
): Standings {
  const race = new Race({ ...defaults, ...settings }, racers);
  while (race.steps < steps) race.step();
  const standings = race.standings();
  race.dispose();
  return standings;
}

describe('the golden race from (1, −1.5)', () => {
  it('full P is below 1e−6 at step 800, where the best fixed rate and a diagonal P are above 1e−2', () => {
    const end = raced({}, 800, ['full', 'best', 'diagonal']);
    expect(end.full!.value).toBeLessThan(1e-6);
    expect(end.best!.value).toBeGreaterThan(1e-2);
    expect(end.diagonal!.value).toBeGreaterThan(1e-2);
  });

  it('SGD-APO is below 5e−8 after 10,000 steps, with a rate near 2e−3', () => {
    const { sgdApo } = raced({ steps: '10000' }, 10_000, ['sgdApo']);
    expect(sgdApo!.value).toBeLessThan(5e-8);
    expect(sgdApo!.large).toBeGreaterThan(1.8e-3);
    expect(sgdApo!.large).toBeLessThan(2.2e-3);
  }, 180_000);

  it('the best fixed rate does in the race what it did when it was found, turned or not', () => {
    for (const rotation of [0, 26.6]) {
      const race = new Race({ ...defaults, rotation, steps: '3000' }, ['best']);
      while (!race.finished) race.step();
      const { value } = race.standings().best!;
      race.dispose();
      expect(Math.abs(value / race.best.value - 1)).toBeLessThan(0.05);
    }
  });

  it('float32 at 2e−3 follows float64 within one per cent, 4.1e−3 after 2,000 steps', () => {
    const { value } = raced({ rate: 2e-3 }, 2000, ['fixed']).fixed!;
    expect(Math.abs(value / descend([1, -1.5], 2e-3, 2000) - 1)).toBeLessThan(0.01);
    expect(value).toBeCloseTo(4.1e-3, 4);
  });
});

describe('turning the function', () => {
  it('changes nothing for gradient descent, but for rounding', () => {
    const invariant = ['best', 'fixed', 'sgdApo'] as const;
    const [straight, turned] = [0, 45].map((rotation) => raced({ rotation }, 60, invariant));
    for (const id of invariant) {
      const [x, y] = toPlane(straight![id]!.place, 45);
      expect(turned![id]!.place[0]).toBeCloseTo(x, 2);
      expect(turned![id]!.place[1]).toBeCloseTo(y, 2);
    }
  });

  it('along the floor of the valley makes a diagonal P enough, which without a turn it is not', () => {
    const [along, across] = [26.565, 0].map(
      (rotation) => raced({ rotation }, 1500, ['diagonal']).diagonal!.value,
    );
    expect(along!).toBeLessThan(1e-4 * across!);
  });
});

it('what is shown as P is what the step was taken with', () => {
  const race = new Race({ ...defaults, rotation: 30 });
  const visible = (standings: Standings) => RACERS.map((id) => standings[id]!);
  for (let step = 0; step < 30; step++) {
    const before = visible(race.standings());
    race.step();
    const after = visible(race.standings());
    after.forEach(({ place, matrix: [a, b, c] }, i) => {
      const [gx, gy] = gradientAt(toFunction(before[i]!.place, 30));
      // The gradient in the plane: (cos 30° gx − sin 30° gy, sin 30° gx + cos 30° gy).
      const [cos, sin] = [Math.sqrt(3) / 2, 0.5];
      const [u, v] = [cos * gx - sin * gy, sin * gx + cos * gy];
      const moved = [place[0] - before[i]!.place[0], place[1] - before[i]!.place[1]];
      const size = Math.hypot(moved[0]!, moved[1]!);
      expect(Math.abs(moved[0]! + a * u + b * v)).toBeLessThan(1e-3 * size + 1e-6);
      expect(Math.abs(moved[1]! + b * u + c * v)).toBeLessThan(1e-3 * size + 1e-6);
    });
  }
  race.dispose();
});

describe('a racer that diverges', () => {
  it('is taken out, and the others go on', () => {
    const race = new Race({ ...defaults, rate: 0.1 });
    for (let step = 0; step < 40; step++) {
      race.step();
      race.standings();
    }
    const { fixed, full, best } = race.standings();
    expect(fixed).toBeUndefined();
    expect(full!.value).toBeLessThan(5);
    expect(best!.value).toBeLessThan(5);
    expect(race.finished).toBe(false);
    race.dispose();
  });

  it('from P = I both preconditioners leave within a few steps', () => {
    const race = new Race({ ...defaults, initialScale: 1 });
    for (let step = 0; step < 10; step++) race.step();
    const { full, diagonal, best } = race.standings();
    expect([full, diagonal]).toEqual([undefined, undefined]);
    expect(best).toBeDefined();
    race.dispose();
  });
});

it('under auto, initial rates have no influence', () => {
  const ends = [1e-6, 0.1].map((initial) =>
    raced({ preset: 'auto', initialRate: initial, initialScale: initial }, 50),
  );
  for (const id of ['sgdApo', 'full', 'diagonal'] as const) {
    const [first, second] = ends.map((standings) => standings[id]!.value) as [number, number];
    expect(Math.max(first, second) / Math.min(first, second)).toBeLessThan(1.5);
  }
});

it('is the same again, and leaves no tensor behind', () => {
  const before = tf.memory().numTensors;
  expect(raced({ rotation: 10 }, 20)).toEqual(raced({ rotation: 10 }, 20));
  expect(tf.memory().numTensors).toBe(before);
});

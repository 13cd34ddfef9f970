import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { COLUMNS } from './contract.js';
import type { Chunk } from './contract.js';
import { valueAt } from './landscape.js';
import { Race } from './race.js';
import { RACERS } from './entrants.js';
import { Recorder } from './recorder.js';
import { settingsCodec } from './settings.js';
import { RATE_LINES, Track } from './track.js';

beforeAll(() => tf.setBackend('cpu'));

const { defaults } = settingsCodec;

/** Steps `from` … of racers that stand at (step, 0) with P = diag(4, 1); `fixed` diverges at step `lost`. */
function chunk(from: number, count: number, lost = Infinity): Chunk {
  const rows = (end: number): Float64Array<ArrayBuffer> =>
    Float64Array.from(
      Array.from({ length: count }, (_, i) => i + from).flatMap((step) =>
        step < end ? [step, 0, 10 - step, 4, 0, 1] : COLUMNS.map(() => NaN),
      ),
    );
  const all = RACERS.map((id) => [id, rows(id === 'fixed' ? lost : Infinity)] as const);
  return { from, count, rows: Object.fromEntries(all) as Chunk['rows'] };
}

describe('a track', () => {
  it('has nothing before the first chunk', () => {
    const track = new Track();
    expect(track.steps).toBe(0);
    expect(track.latest('full')).toBeUndefined();
    expect(track.values()).toEqual({ x: [], series: RACERS.map(() => []) });
  });

  it('appends, and gives back each step', () => {
    const track = new Track();
    track.add(chunk(0, 1));
    track.add(chunk(1, 3));
    expect(track.steps).toBe(3);
    expect(track.at('full', 2)).toEqual({ place: [2, 0], value: 8, matrix: [4, 0, 1] });
    expect(track.at('full', 4)).toBeUndefined();
    expect(track.latest('best')!.place).toEqual([3, 0]);
    expect(() => track.add(chunk(5, 1))).toThrow('The chunk starts at 5; expected 4.');
  });

  it.each([1, 2, 5, 9])('finds the step %d at which a racer was lost, and where it was before', (lost) => {
    const track = new Track();
    track.add(chunk(0, 10, lost));
    expect(track.lostAt('fixed')).toBe(lost);
    expect(track.latest('fixed')!.place).toEqual([lost - 1, 0]);
    expect(track.lostAt('full')).toBeUndefined();
  });

  it('draws gaps where a racer is gone, and two eigenvalues of a preconditioner', () => {
    const track = new Track();
    track.add(chunk(0, 4, 2));
    const { x, series } = track.values();
    expect(x).toEqual([0, 1, 2, 3]);
    expect(series[RACERS.indexOf('fixed')]).toEqual([10, 9, null, null]);
    const rates = track.rates().series;
    expect(RATE_LINES.map(([, which], i) => [which, rates[i]![1]])).toEqual(
      RATE_LINES.map(([, which]) => [which, which === 'large' ? 4 : 1]),
    );
  });

  it('thins long tracks evenly and keeps both ends', () => {
    const track = new Track();
    track.add(chunk(0, 10_001));
    const steps = track.sampled(800);
    expect(steps.length).toBeLessThanOrEqual(801);
    expect([steps[0], steps[1], steps.at(-1)]).toEqual([0, 13, 10_000]);
  });
});

describe('a recorder', () => {
  it('hands over every step once, and what a track makes of them is the race', () => {
    const before = tf.memory().numTensors;
    const recorder = new Recorder(new Race(defaults));
    const track = new Track();
    track.add(recorder.take());
    expect(track.at('full', 0)!.value).toBe(625);
    recorder.advance(3);
    track.add(recorder.take());
    recorder.advance(100, () => recorder.race.steps === 5);
    track.add(recorder.take());
    expect(track.steps).toBe(5);
    expect(recorder.take().count).toBe(0);
    const { place, value } = track.latest('full')!;
    expect(value).toBe(valueAt(place));
    expect(value).toBeLessThan(625);
    recorder.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('stops with the race', () => {
    const racing = new Race({ ...defaults, rate: 0.1 }, ['fixed']);
    const recorder = new Recorder(racing);
    recorder.advance(1000);
    expect(racing.finished).toBe(true);
    expect(racing.steps).toBeLessThan(20);
    recorder.dispose();
  });
});

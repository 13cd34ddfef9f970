import { describe, expect, it } from 'vitest';
import { heatColor, heatLimit, heatPixels, parseHex } from './heat-scale.js';

const ramp = { low: [200, 0, 0], middle: [250, 250, 250], high: [0, 0, 100] } as const;

it('mixes from the middle to either end and clips beyond', () => {
  expect(heatColor(ramp, 0, 2)).toEqual([250, 250, 250]);
  // Half way: (250 + 200) / 2, (250 + 0) / 2.
  expect(heatColor(ramp, -1, 2)).toEqual([225, 125, 125]);
  expect(heatColor(ramp, 1, 2)).toEqual([125, 125, 175]);
  expect(heatColor(ramp, 9, 2)).toEqual([0, 0, 100]);
  expect(heatColor(ramp, -Infinity, 2)).toEqual([200, 0, 0]);
  expect(heatColor(ramp, NaN, 2)).toEqual([250, 250, 250]);
  expect(heatColor(ramp, 1, 0)).toEqual([250, 250, 250]);
});

it('gives four bytes an entry', () => {
  expect([...heatPixels([2, -2], ramp, 2)]).toEqual([0, 0, 100, 255, 200, 0, 0, 255]);
});

describe('heatLimit', () => {
  it.each([
    [[0.013, -0.2], 0.2],
    [[0.21], 0.5],
    [[0.6, 0.1], 1],
    [[3e-5], 5e-5],
    [[0, 0], 0],
    [[], 0],
    [[NaN, Infinity, 1], 1],
  ])('%j reaches to %d', (values, limit) => {
    expect(heatLimit(values)).toBe(limit);
  });

  it('leaves the largest half per cent to the end colours', () => {
    const values = Array.from({ length: 1000 }, (_, i) => (i < 4 ? 80 : 0.9));
    expect(heatLimit(values)).toBe(1);
    // A few entries among zeros are still seen.
    expect(heatLimit(values.map((value) => (value === 80 ? 80 : 0)))).toBe(100);
  });
});

it('reads colours as the theme has them', () => {
  expect(parseHex('#2b5fD0')).toEqual([43, 95, 208]);
  expect(() => parseHex('red')).toThrow('expected #rrggbb');
});

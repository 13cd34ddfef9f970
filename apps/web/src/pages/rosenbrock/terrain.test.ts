import { describe, expect, it } from 'vitest';
import { toFunction, valueAt, WINDOW } from './landscape.js';
import { contoursOf, fromPixels, LEVELS, toPixels, valleyFloor } from './terrain.js';

it('pixels and places belong together; the upper left corner is (−1.75, 3.75)', () => {
  expect(fromPixels([0, 0], 300)).toEqual([-1.75, 3.75]);
  expect(toPixels([1, 1], 300)).toEqual([150, 150]);
  const [x, y] = fromPixels(toPixels([0.3, -1.7], 333), 333);
  expect(x).toBeCloseTo(0.3, 12);
  expect(y).toBeCloseTo(-1.7, 12);
});

describe.each([0, 40])('the contours at %d°', (degrees) => {
  it('are where f has the value of their level, within a cell', () => {
    const all = contoursOf(degrees);
    expect(all.map(({ level }) => level)).toEqual(LEVELS);
    for (const { level, rings } of all) {
      expect(rings.length).toBeGreaterThan(0);
      let inner = 0;
      let close = 0;
      for (const ring of rings) {
        for (const [left, top] of ring) {
          // Rings also run along the border of the window.
          if (Math.min(left, top) < 0.01 || Math.max(left, top) > 0.99) continue;
          inner++;
          // f changes fast across a cell, so compare with the values a cell around.
          const cell = (WINDOW.high - WINDOW.low) / 180;
          const [x, y] = fromPixels([left, top], 1);
          const around = [-1, 0, 1].flatMap((i) =>
            [-1, 0, 1].map((j) => Math.log10(valueAt(toFunction([x + i * cell, y + j * cell], degrees)))),
          );
          if (Math.min(...around) <= level && level <= Math.max(...around)) close++;
        }
      }
      expect(inner).toBeGreaterThan(20);
      expect(close / inner).toBeGreaterThan(0.98);
    }
  });

  it('have a floor on which f is (1 − x)²', () => {
    for (const place of valleyFloor(degrees)) {
      const point = toFunction(place, degrees);
      expect(valueAt(point)).toBeCloseTo((1 - point[0]) ** 2, 9);
    }
  });
});

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { thinned } from './thinned.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('a few writes come at once', () => {
  const written: number[] = [];
  const write = thinned((value: number) => written.push(value));
  for (let i = 1; i <= 20; i++) write(i);
  expect(written).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
});

test('half a minute of a slider that moves sixty times a second is fewer than a hundred writes, and the last value is among them', () => {
  const written: number[] = [];
  const write = thinned((value: number) => written.push(value));
  const moves = 30 * 60;
  for (let i = 1; i <= moves; i++) {
    write(i);
    vi.advanceTimersByTime(1000 / 60);
  }
  expect(written.length).toBeLessThan(100);
  expect(written.length).toBeGreaterThan(80);
  vi.advanceTimersByTime(400);
  expect(written.at(-1)).toBe(moves);
  expect(written).toEqual(written.toSorted((one, other) => one - other));
  // After a rest, writes come at once again.
  vi.advanceTimersByTime(10_000);
  write(0);
  expect(written.at(-1)).toBe(0);
});

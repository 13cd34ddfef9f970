import { describe, expect, it } from 'vitest';
import { logTicks, tickLabel } from './log-ticks.js';

describe('logTicks', () => {
  it('takes powers of ten over many decades', () => {
    expect(logTicks(2e-5, 3)).toEqual([1e-4, 1e-3, 1e-2, 1e-1, 1]);
  });

  it('takes 1-2-5 over about one decade', () => {
    expect(logTicks(0.15, 2.4)).toEqual([0.2, 0.5, 1, 2]);
  });

  it('is never empty where a digit is near, and never crowded', () => {
    for (const low of [1e-7, 0.03, 0.9, 12, 4e5]) {
      for (const factor of [1.3, 2, 5, 30, 1e3, 1e9, 1e20]) {
        const ticks = logTicks(low, low * factor);
        expect(ticks.length).toBeGreaterThan(0);
        expect(ticks.length).toBeLessThanOrEqual(9);
        expect(ticks.every((tick) => tick >= low && tick <= low * factor)).toBe(true);
        expect(ticks).toEqual([...ticks].sort((a, b) => a - b));
      }
    }
  });
});

describe('tickLabel', () => {
  it.each([
    [0.001, '0.001'],
    [3e-4, '3e-4'],
    [1.5, '1.5'],
    [50_000, '50000'],
    [1e6, '1e6'],
  ])('%d reads %s', (value, text) => {
    expect(tickLabel(value)).toBe(text);
  });
});

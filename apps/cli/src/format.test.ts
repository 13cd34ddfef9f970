import { describe, expect, it } from 'vitest';
import { formatDuration, formatNumber, formatPercent } from './format.js';

describe('formatNumber', () => {
  it.each([
    [0, '0'],
    [60_000, '60000'],
    [0.001, '0.001'],
    [1.000001, '1'],
    [0.123456, '0.1235'],
    [12.3456, '12.35'],
    [9.4e-9, '9.40e-9'],
    [-0.00012345, '-1.23e-4'],
    [123_456, '1.23e5'],
    [null, 'not finite'],
    [Number.NaN, 'not finite'],
    [-Infinity, 'not finite'],
  ])('%d reads %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });
});

describe('formatPercent', () => {
  it('has two decimals, or a dash', () => {
    expect(formatPercent(0.97314)).toBe('97.31 %');
    expect(formatPercent(null)).toBe('–');
  });
});

describe('formatDuration', () => {
  it.each([
    [0.4, '0 s'],
    [59.6, '1 min 00 s'],
    [185, '3 min 05 s'],
    [3720, '1 h 02 min'],
    [Infinity, '–'],
  ])('%d s reads %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});

import { expect, test } from 'vitest';
import { formatCount, formatNumber, formatPercent } from './format.js';

test.each([
  [0, '0'],
  [0.1, '0.1'],
  [1 / 3, '0.333'],
  [-2.5, '−2.5'],
  [0.001, '0.001'],
  [0.00099, '9.9 × 10⁻⁴'],
  [1e-5, '10⁻⁵'],
  [3.16e-5, '3.16 × 10⁻⁵'],
  [-3.2e-12, '−3.2 × 10⁻¹²'],
  [12345, '12,300'],
  [123456, '1.23 × 10⁵'],
  [NaN, 'not a number'],
  [Infinity, '∞'],
])('%d reads %s', (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

test('a share is a percentage, and no share is a dash', () => {
  expect(formatPercent(0.9732)).toBe('97.3 %');
  expect(formatPercent(NaN)).toBe('–');
});

test('one is singular', () => {
  expect(formatCount(1, 'step')).toBe('1 step');
  expect(formatCount(2000, 'step')).toBe('2,000 steps');
});

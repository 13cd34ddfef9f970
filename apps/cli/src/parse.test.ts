import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { fraction, namesOf, nonNegative, positive, whole, wholes } from './parse.js';

describe('numbers', () => {
  it('reads decimal and scientific notation', () => {
    expect(positive('1e-3')).toBe(0.001);
    expect(nonNegative('0')).toBe(0);
    expect(fraction('0.9')).toBe(0.9);
    expect(whole(0)('12')).toBe(12);
  });

  it.each(['', ' ', 'x', '1,5', 'NaN', 'Infinity', '1e999'])('refuses %j everywhere', (text) => {
    for (const parse of [positive, nonNegative, fraction, whole(0)]) {
      expect(() => parse(text)).toThrow(InvalidArgumentError);
    }
  });

  it('reads several whole numbers, each once', () => {
    expect(wholes(1)('1, 2,1')).toEqual([1, 2]);
    expect(() => wholes(1)('1,,2')).toThrow(InvalidArgumentError);
    expect(() => wholes(1)('2,0')).toThrow('at least 1');
  });

  it('refuses what is out of range', () => {
    expect(() => positive('0')).toThrow('greater than 0');
    expect(() => nonNegative('-1e-9')).toThrow('at least 0');
    expect(() => fraction('1')).toThrow('[0, 1)');
    expect(() => whole(1)('0')).toThrow('at least 1');
    expect(() => whole(1)('2.5')).toThrow('whole number');
    expect(() => whole(0)('9007199254740993')).toThrow('whole number');
  });
});

describe('namesOf', () => {
  const parse = namesOf(['a', 'b', 'c']);

  it('splits at commas and drops repetitions', () => {
    expect(parse('c, a,c')).toEqual(['c', 'a']);
  });

  it('names what is unknown', () => {
    expect(() => parse('a,d')).toThrow('"d" is not one of a, b, c');
    expect(() => parse('')).toThrow('"" is not one of');
  });
});

import { ApoError } from '@apo/core';
import { describe, expect, it } from 'vitest';
import { describeError, exitCodeOf } from './exit-code.js';

describe('exitCodeOf', () => {
  it('is 2 for what options can cause and 1 for the rest', () => {
    expect(exitCodeOf(new ApoError('INVALID_ARGUMENT', ''))).toBe(2);
    expect(exitCodeOf(new ApoError('UNSUPPORTED', ''))).toBe(2);
    expect(exitCodeOf(new ApoError('DATA_UNAVAILABLE', ''))).toBe(1);
    expect(exitCodeOf(new Error('INVALID_ARGUMENT'))).toBe(1);
    expect(exitCodeOf('a string')).toBe(1);
  });
});

describe('describeError', () => {
  const cause = new Error('no disk');
  const error = new ApoError('DATA_UNAVAILABLE', 'Not there.\n  Put it there.\n', { cause });

  it('is one line without debug', () => {
    expect(describeError(error, false)).toBe('Not there. Put it there.');
    expect(describeError('thrown text', false)).toBe('thrown text');
  });

  it('has the stack and the causes with debug', () => {
    const text = describeError(error, true);
    expect(text).toContain('ApoError: Not there.');
    expect(text).toContain('caused by Error: no disk');
    expect(text).toMatch(/\n {4}at /);
  });
});

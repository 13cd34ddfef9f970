import { describe, expect, it } from 'vitest';
import { ApoError, isApoError } from '@apo/core';
import { isLinalgError, LinalgError } from './linalg-error.js';

describe('LinalgError', () => {
  it('is an ApoError with the code of its reason, and names the layer', () => {
    const cause = new Error('why');
    const error = new LinalgError('singular', 'the matrix is zero.', 'dense_1', { cause });
    expect(error).toBeInstanceOf(ApoError);
    expect(isApoError(error)).toBe(true);
    expect(error).toMatchObject({ code: 'NUMERICAL', reason: 'singular', layer: 'dense_1', cause });
    expect(error.message).toBe("Layer 'dense_1': the matrix is zero.");
    expect(new LinalgError('non-finite', 'it has NaN.')).toMatchObject({
      code: 'NON_FINITE',
      layer: undefined,
      message: 'it has NaN.',
    });
  });

  it('is recognised by its name and reason, so that another copy of the package serves too', () => {
    const copy = Object.assign(new Error('from elsewhere'), { name: 'ApoError', reason: 'not-symmetric' });
    expect(isLinalgError(copy)).toBe(true);
    expect(isLinalgError(new LinalgError('not-symmetric', 'it is not.'))).toBe(true);
    expect(isLinalgError(new ApoError('NUMERICAL', 'no reason'))).toBe(false);
    expect(isLinalgError(Object.assign(new Error('other'), { reason: 'not-symmetric' }))).toBe(false);
    expect(isLinalgError(Object.assign(copy, { reason: 'toString' }))).toBe(false);
    expect(isLinalgError('singular')).toBe(false);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIdx } from './idx.js';

function idx(type: number, shape: readonly number[], payload: readonly number[]): Uint8Array {
  const dimensions = shape.flatMap((d) => [d >>> 24, (d >>> 16) & 255, (d >>> 8) & 255, d & 255]);
  return Uint8Array.from([0, 0, type, shape.length, ...dimensions, ...payload]);
}

describe('parseIdx', () => {
  it('reads bytes without copying them', () => {
    const bytes = idx(0x08, [2, 3], [1, 2, 3, 4, 5, 255]);
    const parsed = parseIdx(bytes);
    expect(parsed).toEqual({ type: 'uint8', shape: [2, 3], values: Uint8Array.of(1, 2, 3, 4, 5, 255) });
    expect(parsed.values.buffer).toBe(bytes.buffer);
  });

  // Two's complement and IEEE 754, big-endian: 0xfffe = −2; 0x3fc00000 = 1.5; 0xc004… = −2.5.
  it.each([
    ['int8', 0x09, [0xff, 0x7f], Int8Array.of(-1, 127)],
    ['int16', 0x0b, [0xff, 0xfe, 0x01, 0x00], Int16Array.of(-2, 256)],
    ['int32', 0x0c, [0xff, 0xff, 0xff, 0xfd, 0, 1, 0, 0], Int32Array.of(-3, 65_536)],
    ['float32', 0x0d, [0x3f, 0xc0, 0, 0, 0xbf, 0x80, 0, 0], Float32Array.of(1.5, -1)],
    ['float64', 0x0e, [0xc0, 0x04, 0, 0, 0, 0, 0, 0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0], Float64Array.of(-2.5, 1)],
  ])('reads %s, big-endian', (type, code, payload, values) => {
    expect(parseIdx(idx(code, [2], payload))).toEqual({ type, shape: [2], values });
  });

  it('reads from the middle of a buffer', () => {
    const file = idx(0x09, [2], [0x80, 1]);
    const padded = new Uint8Array(file.length + 10);
    padded.set(file, 5);
    expect(parseIdx(padded.subarray(5, 5 + file.length)).values).toEqual(Int8Array.of(-128, 1));
  });

  it('accepts an empty dimension', () => {
    expect(parseIdx(idx(0x08, [0, 28], []))).toEqual({
      type: 'uint8',
      shape: [0, 28],
      values: new Uint8Array(0),
    });
  });

  it('gives back what was written, for any shape', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }), (shape) => {
        const payload = Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => (i * 37) % 256);
        const parsed = parseIdx(idx(0x08, shape, payload));
        expect(parsed.shape).toEqual(shape);
        expect([...parsed.values]).toEqual(payload);
      }),
    );
  });

  it('refuses every truncation and any extra byte', () => {
    const file = idx(0x0b, [2, 2], [0, 1, 0, 2, 0, 3, 0, 4]);
    for (let length = 0; length < file.length; length++) {
      expect(() => parseIdx(file.subarray(0, length))).toThrow(/not a valid IDX file/);
    }
    expect(() => parseIdx(Uint8Array.from([...file, 0]))).toThrow(
      /2 × 2 elements of 2 bytes.*20 bytes.*has 21/,
    );
  });

  it.each([
    ['a wrong magic number', Uint8Array.of(1, 0, 8, 1, 0, 0, 0, 0), /starts with bytes 1, 0/],
    ['gzip', Uint8Array.of(0x1f, 0x8b, 8, 0), /compressed with gzip/],
    ['an unknown type', idx(0x0a, [1], [0]), /element type is 0xa/],
    ['no dimension', idx(0x08, [], []), /no dimensions/],
    ['dimensions beyond the file', idx(0x08, [0xffffffff, 0xffffffff], [1]), /has 13/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => parseIdx(bytes, 'labels')).toThrow(message);
    expect(() => parseIdx(bytes, 'labels')).toThrow(
      expect.objectContaining({
        code: 'DATA_CORRUPT',
        message: expect.stringMatching(/^labels is not/) as string,
      }),
    );
  });
});

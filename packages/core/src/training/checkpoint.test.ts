import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint.js';
import type { ApoErrorCode } from '../errors.js';

const error = (code: ApoErrorCode): Error => expect.objectContaining({ name: 'ApoError', code }) as Error;

/** A file in the safetensors layout, written by hand. */
function file(header: unknown, data: number[] = [], text = JSON.stringify(header)): Uint8Array {
  const json = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + json.length + data.length);
  // Little-endian by hand; the headers here are shorter than 65,536 bytes.
  bytes[0] = json.length & 0xff;
  bytes[1] = json.length >> 8;
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}
const metadata = { format: 'apo-checkpoint', version: '1', values: '{"a":1}' };

async function roundTrip(tensors: Record<string, tf.Tensor>, values: Record<string, unknown> = {}) {
  return decodeCheckpoint(await encodeCheckpoint({ tensors, values }));
}

describe('encodeCheckpoint and decodeCheckpoint', () => {
  it('give back every bit of float32, int32 and bool', async () => {
    // NaN with a payload, −0, the smallest subnormal, ±∞, the largest finite number, 1.
    const patterns = Uint32Array.of(
      0x7fc0beef,
      0x80000000,
      1,
      0x7f800000,
      0xff800000,
      0x7f7fffff,
      0x3f800000,
    );
    const tensors = {
      special: tf.tensor1d(new Float32Array(patterns.buffer)),
      whole: tf.tensor2d([[-(2 ** 31), 2 ** 31 - 1, 0]], [1, 3], 'int32'),
      mask: tf.tensor1d([true, false, true], 'bool'),
      scalar: tf.scalar(0.1),
      empty: tf.zeros([0, 3]),
    };
    const { tensors: back } = await roundTrip(tensors);
    expect(Object.keys(back).sort()).toEqual(Object.keys(tensors).sort());
    for (const [name, tensor] of Object.entries(tensors)) {
      expect([name, back[name]!.dtype, back[name]!.shape]).toEqual([name, tensor.dtype, tensor.shape]);
    }
    const special = back['special']!.dataSync<'float32'>();
    expect([...new Uint32Array(special.buffer, special.byteOffset, special.length)]).toEqual([...patterns]);
    expect([...back['whole']!.dataSync()]).toEqual([-(2 ** 31), 2 ** 31 - 1, 0]);
    expect([...back['mask']!.dataSync()]).toEqual([1, 0, 1]);
    expect([...back['scalar']!.dataSync()]).toEqual([Math.fround(0.1)]);
    tf.dispose([tensors, back]);
  });

  it('give back JSON values', async () => {
    const values = { text: 'η ≤ 1', list: [1, [2.5]], nested: { yes: true, none: null }, ['__proto__']: 1 };
    expect((await roundTrip({}, values)).values).toEqual(values);
  });

  it('give back whatever float32 tensors hold, under any name', async () => {
    const tensors = fc.dictionary(fc.string(), fc.float32Array({ maxLength: 5 }), { maxKeys: 4 });
    await fc.assert(
      fc.asyncProperty(tensors, async (arrays) => {
        const given = Object.fromEntries(Object.entries(arrays).map(([name, a]) => [name, tf.tensor1d(a)]));
        const { tensors: back } = await roundTrip(given);
        const read = Object.fromEntries(Object.entries(back).map(([name, t]) => [name, t.dataSync()]));
        expect(read).toEqual(Object.fromEntries(Object.entries(arrays)));
        tf.dispose([Object.values(given), Object.values(back)]);
      }),
      { seed: 7, numRuns: 50 },
    );
  });

  it('write the safetensors layout', async () => {
    const bytes = await encodeCheckpoint({
      tensors: { mask: tf.tensor1d([true], 'bool'), b: tf.scalar(3, 'int32'), a: tf.tensor1d([1, -2]) },
      values: { n: 1 },
    });
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const header: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    expect(header).toEqual({
      __metadata__: { format: 'apo-checkpoint', version: '1', values: '{"n":1}' },
      a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
      b: { dtype: 'I32', shape: [], data_offsets: [8, 12] },
      mask: { dtype: 'BOOL', shape: [1], data_offsets: [12, 13] },
    });
    // IEEE 754, little-endian: 1 = 3f800000, −2 = c0000000; then 3 and true.
    expect([...bytes.subarray(8 + length)]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 3, 0, 0, 0, 1]);
  });

  it('give the same bytes for the same content in another order', async () => {
    const [a, b] = [tf.scalar(1), tf.scalar(2)];
    const one = await encodeCheckpoint({ tensors: { a, b }, values: {} });
    expect(await encodeCheckpoint({ tensors: { b, a }, values: {} })).toEqual(one);
    tf.dispose([a, b]);
  });

  it('capture the tensors at the moment of the call', async () => {
    const variable = tf.variable(tf.scalar(1));
    const pending = encodeCheckpoint({ tensors: { v: variable }, values: {} });
    variable.assign(tf.scalar(2));
    const { tensors } = decodeCheckpoint(await pending);
    expect(tensors['v']!.dataSync()[0]).toBe(1);
    tf.dispose([variable, tensors]);
  });

  it('read bytes that lie at an odd place in a larger buffer', async () => {
    const bytes = await encodeCheckpoint({ tensors: { a: tf.scalar(5) }, values: {} });
    const larger = new Uint8Array(bytes.length + 3);
    larger.set(bytes, 3);
    const { tensors } = decodeCheckpoint(larger.subarray(3));
    larger.fill(0);
    expect(tensors['a']!.dataSync()[0]).toBe(5);
  });

  it('leak nothing, also when the bytes are refused', async () => {
    const a = tf.scalar(1);
    const before = tf.memory().numTensors;
    const bytes = await encodeCheckpoint({ tensors: { a }, values: {} });
    expect(tf.memory().numTensors).toBe(before);
    expect(() => decodeCheckpoint(bytes.subarray(0, bytes.length - 1))).toThrow(error('DATA_CORRUPT'));
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose(decodeCheckpoint(bytes).tensors);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('encodeCheckpoint refuses', () => {
  const cases: [string, Record<string, unknown>, RegExp][] = [
    ['NaN', { a: { b: [0, NaN] } }, /values\.a\.b\[1\] is NaN/],
    ['infinity', { a: Infinity }, /values\.a is Infinity/],
    ['undefined', { a: undefined }, /values\.a is of type undefined/],
    ['a function', { a: () => 1 }, /values\.a is of type function/],
    ['a typed array', { a: Float32Array.of(1) }, /values\.a is not a plain object/],
  ];
  it.each(cases)('%s among the values', async (_, values, message) => {
    await expect(encodeCheckpoint({ tensors: {}, values })).rejects.toThrow(message);
    await expect(encodeCheckpoint({ tensors: {}, values })).rejects.toThrow(error('INVALID_ARGUMENT'));
  });

  it('a dtype that the file does not know, and the reserved name', async () => {
    const strings = tf.tensor1d(['x'], 'string');
    await expect(encodeCheckpoint({ tensors: { strings }, values: {} })).rejects.toThrow(
      /"strings" has dtype string/,
    );
    const reserved = { __metadata__: tf.scalar(1) };
    await expect(encodeCheckpoint({ tensors: reserved, values: {} })).rejects.toThrow(
      error('INVALID_ARGUMENT'),
    );
  });
});

describe('decodeCheckpoint refuses', () => {
  const entry = (shape: unknown, offsets: unknown, dtype: unknown = 'F32') => ({
    __metadata__: metadata,
    t: { dtype, shape, data_offsets: offsets },
  });
  const corrupt: [string, Uint8Array, RegExp][] = [
    ['an empty file', new Uint8Array(0), /0 bytes/],
    [
      'a header that is cut short',
      file({ __metadata__: metadata }).subarray(0, 30),
      /its header should have/,
    ],
    ['an absurd header length', new Uint8Array(16).fill(255), /its header should have/],
    ['a header that is not JSON', file(null, [], '{"a":'), /header is not JSON/],
    ['a header that is a list', file([]), /header is not a JSON object/],
    ['values that are not JSON', file({ __metadata__: { ...metadata, values: '{' } }), /values is not JSON/],
    ['an unknown dtype', file(entry([1], [0, 2], 'BF16'), [0, 0]), /"t" has dtype BF16/],
    ['a dtype that objects inherit', file(entry([1], [0, 2], 'toString'), [0, 0]), /dtype toString/],
    ['a negative side', file(entry([-1], [0, 4]), [0, 0, 0, 0]), /has shape \[-1\]/],
    ['offsets that do not fit the shape', file(entry([2], [0, 4]), [0, 0, 0, 0]), /takes 8 bytes/],
    ['offsets that are missing', file(entry([1], undefined), [0, 0, 0, 0]), /takes 4 bytes/],
    ['a hole', file(entry([1], [4, 8]), [0, 0, 0, 0, 0, 0, 0, 0]), /begins at byte 4, expected 0/],
    ['data that is cut short', file(entry([1], [0, 4]), [0, 0, 0]), /take 4 bytes, but 3 are there/],
    ['data that is too long', file(entry([1], [0, 4]), [0, 0, 0, 0, 0]), /take 4 bytes, but 5 are there/],
    ['a boolean that is neither', file(entry([1], [0, 1], 'BOOL'), [2]), /other than 0 and 1/],
  ];
  it.each(corrupt)('%s', (_, bytes, message) => {
    expect(() => decodeCheckpoint(bytes)).toThrow(message);
    expect(() => decodeCheckpoint(bytes)).toThrow(error('DATA_CORRUPT'));
  });

  it('two tensors in one place', () => {
    const t = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };
    expect(() => decodeCheckpoint(file({ __metadata__: metadata, t, u: t }, [0, 0, 0, 0]))).toThrow(
      /"u" begins at byte 0, expected 4/,
    );
  });

  it('a safetensors file of another program, and a later version', () => {
    expect(() => decodeCheckpoint(file({ __metadata__: { format: 'pt' } }))).toThrow(
      error('CHECKPOINT_MISMATCH'),
    );
    expect(() => decodeCheckpoint(file({}))).toThrow(error('CHECKPOINT_MISMATCH'));
    expect(() => decodeCheckpoint(file({ __metadata__: { ...metadata, version: '2' } }))).toThrow(
      /version 2/,
    );
  });

  it('any prefix of a good file', async () => {
    const bytes = await encodeCheckpoint({ tensors: { a: tf.tensor1d([1, 2]) }, values: { b: 1 } });
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeCheckpoint(bytes.subarray(0, length))).toThrow(error('DATA_CORRUPT'));
    }
  });
});

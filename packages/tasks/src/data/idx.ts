/** Reader of the IDX format (the files of MNIST and its relatives): a typed array and its shape from uncompressed bytes. Knows nothing of data sets. */
import { ApoError } from '@apo/core';

/** `shape` has one entry a dimension; `values` is row-major, as long as the product of `shape`. */
export type IdxArray = { readonly shape: readonly number[] } & (
  | { readonly type: 'uint8'; readonly values: Uint8Array }
  | { readonly type: 'int8'; readonly values: Int8Array }
  | { readonly type: 'int16'; readonly values: Int16Array }
  | { readonly type: 'int32'; readonly values: Int32Array }
  | { readonly type: 'float32'; readonly values: Float32Array }
  | { readonly type: 'float64'; readonly values: Float64Array }
);

/** The third byte of the magic number. */
const UINT8 = 0x08;
const INT8 = 0x09;
const INT16 = 0x0b;
const INT32 = 0x0c;
const FLOAT32 = 0x0d;
const FLOAT64 = 0x0e;

const elementBytes: Readonly<Record<number, number>> = {
  [UINT8]: 1,
  [INT8]: 1,
  [INT16]: 2,
  [INT32]: 4,
  [FLOAT32]: 4,
  [FLOAT64]: 8,
};

/**
 * Parses an IDX file: bytes 0, 0, element type, number of dimensions; the dimensions as big-endian uint32; the
 * elements, big-endian, row-major. One-byte elements share memory with `bytes`, wider ones are copied.
 * @param what how messages call the file.
 * @throws ApoError `DATA_CORRUPT` for a wrong magic number, an unknown type, no dimension, or a length that the header does not announce.
 */
export function parseIdx(bytes: Uint8Array, what = 'The IDX file'): IdxArray {
  const refuse = (problem: string): never => {
    throw new ApoError('DATA_CORRUPT', `${what} is not a valid IDX file: ${problem}`);
  };
  if (bytes.length < 4) refuse(`it has ${bytes.length} bytes, too few for a header.`);
  const [zero, alsoZero, code, rank] = bytes as unknown as [number, number, number, number];
  if (zero === 0x1f && alsoZero === 0x8b) refuse('it is compressed with gzip; decompress it first.');
  if (zero !== 0 || alsoZero !== 0) refuse(`it starts with bytes ${zero}, ${alsoZero}; expected 0, 0.`);
  const width =
    elementBytes[code] ??
    refuse(`its element type is 0x${code.toString(16)}; expected one of 0x8, 0x9, 0xb, 0xc, 0xd, 0xe.`);
  if (rank === 0) refuse('it has no dimensions; expected at least one.');
  const header = 4 + 4 * rank;
  if (bytes.length < header) {
    refuse(`it has ${bytes.length} bytes, too few for the header of ${rank} dimensions.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const count = shape.reduce((product, dimension) => product * dimension, 1);
  if (bytes.length !== header + count * width) {
    refuse(
      `its header announces ${shape.join(' × ')} elements of ${width} bytes, that is ${header + count * width} bytes in all, but it has ${bytes.length}.`,
    );
  }
  const at = (i: number): number => header + i * width;
  switch (code) {
    case UINT8:
      return { type: 'uint8', shape, values: bytes.subarray(header) };
    case INT8:
      return { type: 'int8', shape, values: new Int8Array(bytes.buffer, bytes.byteOffset + header, count) };
    case INT16:
      return { type: 'int16', shape, values: new Int16Array(count).map((_, i) => view.getInt16(at(i))) };
    case INT32:
      return { type: 'int32', shape, values: new Int32Array(count).map((_, i) => view.getInt32(at(i))) };
    case FLOAT32:
      return {
        type: 'float32',
        shape,
        values: new Float32Array(count).map((_, i) => view.getFloat32(at(i))),
      };
    default:
      return {
        type: 'float64',
        shape,
        values: new Float64Array(count).map((_, i) => view.getFloat64(at(i))),
      };
  }
}

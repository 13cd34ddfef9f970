/**
 * Checkpoints: named tensors and JSON values in one self-describing file of bytes, in the safetensors layout
 * (https://huggingface.co/docs/safetensors: header length, JSON header, raw data). What a training run puts into one is in
 * `training-checkpoint.ts`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { ApoError, requireArgument } from '../errors.js';
import type { TensorMap } from '../update-rule.js';

/** A value that JSON gives back as it was. */
type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

export interface Checkpoint {
  readonly tensors: TensorMap;
  /** JSON-safe: no NaN, infinity, undefined or function anywhere in it. */
  readonly values: Readonly<Record<string, unknown>>;
}

interface TensorEntry {
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  /** [begin, end) in the bytes after the header. */
  readonly data_offsets: readonly [number, number];
}

const METADATA = '__metadata__';
const FORMAT = 'apo-checkpoint';
const VERSION = '1';
const LENGTH_BYTES = 8;
/** Headers are padded with spaces to a multiple of this, so that the data is aligned. */
const ALIGNMENT = 8;

/** The stored types, widest first, so that every tensor stays aligned. */
const dtypes = {
  F32: { dtype: 'float32', bytes: 4 },
  I32: { dtype: 'int32', bytes: 4 },
  BOOL: { dtype: 'bool', bytes: 1 },
} as const;
type StoredDtype = keyof typeof dtypes;

/**
 * The bytes of a checkpoint. Tensors are captured at the moment of the call, so training may go on while they are read;
 * they stay the caller's. The same content gives the same bytes, whatever the order of its names.
 * @throws ApoError `INVALID_ARGUMENT` for a dtype other than float32, int32 and bool, the reserved tensor name
 * `__metadata__`, or values that JSON would change.
 */
export async function encodeCheckpoint({ tensors, values }: Checkpoint): Promise<Uint8Array> {
  requireJson('values', values);
  const stored = JSON.stringify(values);
  const order = Object.keys(dtypes);
  const plan = Object.entries(tensors)
    .map(([name, tensor]) => ({ name, tensor, dtype: storedDtype(name, tensor) }))
    .sort((a, b) => order.indexOf(a.dtype) - order.indexOf(b.dtype) || (a.name < b.name ? -1 : 1));
  let end = 0;
  const entries = plan.map(({ name, tensor, dtype }): [string, TensorEntry] => {
    const begin = end;
    end += tensor.size * dtypes[dtype].bytes;
    return [name, { dtype, shape: tensor.shape, data_offsets: [begin, end] }];
  });
  const captured = plan.map(({ tensor }) => tf.clone(tensor));
  try {
    const metadata = { format: FORMAT, version: VERSION, values: stored };
    const json = new TextEncoder().encode(
      JSON.stringify(Object.fromEntries([[METADATA, metadata], ...entries])),
    );
    const headerLength = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT;
    const bytes = new Uint8Array(LENGTH_BYTES + headerLength + end);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
    bytes.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerLength);
    bytes.set(json, LENGTH_BYTES);
    const data = await Promise.all(captured.map((tensor) => tensor.data()));
    data.forEach((typed, i) => {
      const raw = new Uint8Array(typed.buffer, typed.byteOffset, typed.byteLength);
      bytes.set(raw, LENGTH_BYTES + headerLength + entries[i]![1].data_offsets[0]);
    });
    return bytes;
  } finally {
    tf.dispose(captured);
  }
}

/**
 * What `encodeCheckpoint` was given; the caller owns the tensors. Everything is checked before the first tensor is made.
 * @throws ApoError `DATA_CORRUPT` for bytes that are cut short or inconsistent, `CHECKPOINT_MISMATCH` for a safetensors
 * file that is not a checkpoint of this package, or one of a later version.
 */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  if (bytes.length < LENGTH_BYTES) throw corrupt(`it has ${bytes.length} bytes, fewer than its first field`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  const dataStart = LENGTH_BYTES + headerLength;
  if (dataStart > bytes.length) {
    throw corrupt(
      `its header should have ${headerLength} bytes, but only ${bytes.length - LENGTH_BYTES} follow`,
    );
  }
  const header = parseObject('header', () =>
    new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(LENGTH_BYTES, dataStart)),
  );
  const values = readMetadata(header[METADATA]);
  const entries = Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, entry]): [string, TensorEntry] => [name, readEntry(name, entry)]);
  const data = bytes.subarray(dataStart);
  requireContiguous(entries, data);
  const tensors = entries.map(
    ([
      name,
      {
        dtype,
        shape,
        data_offsets: [begin, end],
      },
    ]) => {
      const copy = new Uint8Array(end - begin);
      copy.set(data.subarray(begin, end));
      const typed =
        dtype === 'F32'
          ? new Float32Array(copy.buffer)
          : dtype === 'I32'
            ? new Int32Array(copy.buffer)
            : copy;
      return [name, tf.tensor(typed, [...shape], dtypes[dtype].dtype)] as const;
    },
  );
  return { tensors: Object.fromEntries(tensors), values };
}

/** Throws `INVALID_ARGUMENT` unless JSON gives `value` back as it is; `path` names the place. */
function requireJson(path: string, value: unknown): asserts value is JsonValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number') {
    requireArgument(
      Number.isFinite(value),
      () => `${path} is ${value}, which JSON cannot hold; expected a finite number, or leave it out.`,
    );
    return;
  }
  if (Array.isArray(value)) {
    value.forEach((element, i) => requireJson(`${path}[${i}]`, element));
    return;
  }
  const prototype: unknown = typeof value === 'object' ? Object.getPrototypeOf(value) : undefined;
  requireArgument(
    prototype === Object.prototype || (prototype === null && typeof value === 'object'),
    () =>
      `${path} is ${typeof value === 'object' ? 'not a plain object' : `of type ${typeof value}`}; ` +
      'expected strings, finite numbers, booleans, null, arrays and plain objects of them.',
  );
  for (const [key, element] of Object.entries(value as object)) requireJson(`${path}.${key}`, element);
}

function storedDtype(name: string, tensor: tf.Tensor): StoredDtype {
  requireArgument(name !== METADATA, () => `A tensor cannot be called "${METADATA}"; give it another name.`);
  const found = (Object.keys(dtypes) as StoredDtype[]).find((key) => dtypes[key].dtype === tensor.dtype);
  requireArgument(
    found !== undefined,
    () =>
      `Tensor "${name}" has dtype ${tensor.dtype}; a checkpoint holds float32, int32 and bool: cast it first.`,
  );
  return found;
}

function readMetadata(metadata: unknown): Readonly<Record<string, unknown>> {
  const { format, version, values } = isRecord(metadata) ? metadata : {};
  if (format !== FORMAT || typeof values !== 'string') {
    throw new ApoError(
      'CHECKPOINT_MISMATCH',
      `The file's header does not say "${FORMAT}", so it was not written by encodeCheckpoint or saveTraining; pass one that was.`,
    );
  }
  if (version !== VERSION) {
    throw new ApoError(
      'CHECKPOINT_MISMATCH',
      `The checkpoint has format version ${String(version)}, this program reads ${VERSION}; update @apo/core.`,
    );
  }
  return parseObject('values', () => values);
}

function readEntry(name: string, entry: unknown): TensorEntry {
  const { dtype, shape, data_offsets: offsets } = isRecord(entry) ? entry : {};
  if (typeof dtype !== 'string' || !Object.hasOwn(dtypes, dtype)) {
    throw corrupt(
      `tensor "${name}" has dtype ${String(dtype)}, expected one of ${Object.keys(dtypes).join(', ')}`,
    );
  }
  const known = dtype as StoredDtype;
  if (!isCountList(shape)) throw corrupt(`tensor "${name}" has shape ${JSON.stringify(shape)}`);
  const [begin, end] = isCountList(offsets) && offsets.length === 2 ? offsets : [];
  const size = shape.reduce((product, side) => product * side, dtypes[known].bytes);
  if (begin === undefined || end === undefined || end - begin !== size) {
    throw corrupt(
      `tensor "${name}" ${dtype} [${shape.join(', ')}] takes ${size} bytes, but its data_offsets are ${JSON.stringify(offsets)}`,
    );
  }
  return { dtype: known, shape, data_offsets: [begin, end] };
}

/** Tensors lie one behind the other and fill the data exactly; booleans are 0 or 1. */
function requireContiguous(entries: readonly (readonly [string, TensorEntry])[], data: Uint8Array): void {
  let end = 0;
  const byPosition = [...entries].sort(
    ([, { data_offsets: a }], [, { data_offsets: b }]) => a[0] - b[0] || a[1] - b[1],
  );
  for (const [name, entry] of byPosition) {
    if (entry.data_offsets[0] !== end) {
      throw corrupt(`tensor "${name}" begins at byte ${entry.data_offsets[0]}, expected ${end}`);
    }
    end = entry.data_offsets[1];
    if (entry.dtype === 'BOOL' && data.subarray(...entry.data_offsets).some((byte) => byte > 1)) {
      throw corrupt(`tensor "${name}" is BOOL and holds a byte other than 0 and 1`);
    }
  }
  if (end !== data.length) throw corrupt(`its tensors take ${end} bytes, but ${data.length} are there`);
}

function parseObject(what: string, text: () => string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text());
  } catch (cause) {
    throw corrupt(`its ${what} is not JSON`, cause);
  }
  if (!isRecord(parsed)) throw corrupt(`its ${what} is not a JSON object`);
  return parsed;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCountList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
}

function corrupt(problem: string, cause?: unknown): ApoError {
  return new ApoError(
    'DATA_CORRUPT',
    `The checkpoint cannot be read: ${problem}. Use another copy, or an earlier checkpoint.`,
    cause === undefined ? undefined : { cause },
  );
}

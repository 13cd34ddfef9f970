/**
 * Makes the memory of a WebAssembly binary a shared one, so that workers can compute on it. The binary format says so in the
 * limits of the memory (WebAssembly core specification, "Limits", and its threads proposal): a byte of flags, 1 for a maximum
 * and 2 for shared, which needs a maximum. Loads and stores are the same instructions on both kinds.
 */

const IMPORT_SECTION = 2;
const MEMORY_SECTION = 5;
const MEMORY_IMPORT = 2;
const HAS_MAXIMUM = 1;
const SHARED_WITH_MAXIMUM = 3;
/** The most pages that a memory can have, 4 GiB, in LEB128: what is written where there was no maximum. */
const LARGEST_MAXIMUM = [0x80, 0x80, 0x04];

/**
 * A copy of `binary` whose memory, defined or imported, is shared; `undefined` when it has no memory of the kind that can be,
 * or is not a WebAssembly module that this engine accepts with a shared one.
 */
export function withSharedMemory(binary: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array(binary);
  if (!WebAssembly.validate(bytes)) return undefined;
  const found = memoryLimits(bytes);
  if (found === undefined) return undefined;
  const { section, flags } = found;
  const kind = bytes[flags]!;
  if (kind > HAS_MAXIMUM) return undefined;
  const reader = { at: section };
  const size = unsigned(bytes, reader);
  const payload = reader.at;
  reader.at = flags + 1;
  unsigned(bytes, reader);
  const added = kind === HAS_MAXIMUM ? [] : LARGEST_MAXIMUM;
  const shared = concatenate([
    bytes.subarray(0, section),
    encode(size + added.length),
    bytes.subarray(payload, flags),
    [SHARED_WITH_MAXIMUM],
    bytes.subarray(flags + 1, reader.at),
    added,
    bytes.subarray(reader.at),
  ]);
  return WebAssembly.validate(shared) ? shared : undefined;
}

/** Where the memory's section gives its size, and where the flags of its limits are; `undefined` when there is no memory. */
function memoryLimits(bytes: Uint8Array): { section: number; flags: number } | undefined {
  const reader = { at: 8 };
  while (reader.at < bytes.length) {
    const id = bytes[reader.at++];
    const section = reader.at;
    const size = unsigned(bytes, reader);
    const end = reader.at + size;
    if (id === MEMORY_SECTION && unsigned(bytes, reader) > 0) return { section, flags: reader.at };
    const imported = id === IMPORT_SECTION ? importedMemory(bytes, reader) : undefined;
    if (imported !== undefined) return { section, flags: imported };
    reader.at = end;
  }
  return undefined;
}

function importedMemory(bytes: Uint8Array, reader: { at: number }): number | undefined {
  const count = unsigned(bytes, reader);
  for (let i = 0; i < count; i++) {
    skipName(bytes, reader);
    skipName(bytes, reader);
    const kind = bytes[reader.at++];
    if (kind === MEMORY_IMPORT) return reader.at;
    // A function is a type index, a table a type and limits, a global a type and a mutability.
    if (kind === 0) unsigned(bytes, reader);
    else if (kind === 1) {
      reader.at++;
      const limits = unsigned(bytes, reader);
      unsigned(bytes, reader);
      if ((limits & HAS_MAXIMUM) !== 0) unsigned(bytes, reader);
    } else reader.at += 2;
  }
  return undefined;
}

function skipName(bytes: Uint8Array, reader: { at: number }): void {
  const length = unsigned(bytes, reader);
  reader.at += length;
}

/** An unsigned number in LEB128, the binary format's variable-length code. */
function unsigned(bytes: Uint8Array, reader: { at: number }): number {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[reader.at++]!;
    value += (byte & 127) * scale;
    if (byte < 128) return value;
  }
}

function encode(value: number): number[] {
  const code = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...code, rest];
    code.push((rest % 128) + 128);
  }
}

function concatenate(parts: readonly ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * The two builds of our module as bytes, decoded from text when first asked for. A character stands for a byte by its place in one of three
 * pages of bytes: the frequent ones, and, after `}` or `~`, the others in their order. `scripts/build-native.mjs` writes it.
 */
import { frequentBytes, moduleText, pieceLength, relaxedLength, simdLength } from './modules.generated.js';

/** Characters that the text does not use, as they would have to be escaped in a script. */
const SKIPPED = '"$\'<\\`';

let modules: Readonly<Record<'relaxed' | 'simd', Uint8Array<ArrayBuffer>>> | undefined;

export function moduleBytes(build: 'relaxed' | 'simd'): Uint8Array<ArrayBuffer> {
  modules ??= decode();
  return modules[build];
}

/** Pieces of the two take turns. */
function decode(): Readonly<Record<'relaxed' | 'simd', Uint8Array<ArrayBuffer>>> {
  const simd = new Uint8Array(simdLength);
  const relaxed = new Uint8Array(relaxedLength);
  const next = reader();
  for (let at = 0; at < Math.max(simdLength, relaxedLength); at += pieceLength) {
    for (const binary of [simd, relaxed]) {
      const end = Math.min(at + pieceLength, binary.length);
      for (let i = at; i < end; i++) binary[i] = next();
    }
  }
  return { simd, relaxed };
}

/** The bytes of the text, one at each call. */
function reader(): () => number {
  const bytes = (frequentBytes.match(/../g) ?? []).map((digits) => Number.parseInt(digits, 16));
  const page = bytes.length;
  for (let byte = 0; byte < 256; byte++) if (!bytes.includes(byte)) bytes.push(byte);
  const places: number[] = [];
  for (let code = 32, place = 0; place < page; code++) {
    if (!SKIPPED.includes(String.fromCharCode(code))) places[code] = place++;
  }
  let at = 0;
  return () => {
    const code = moduleText.charCodeAt(at++);
    const place = places[code];
    return bytes[place ?? (code - 124) * page + places[moduleText.charCodeAt(at++)]!]!;
  };
}

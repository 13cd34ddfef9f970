/**
 * The two builds of our module as bytes, decoded from text when first asked for. A printable character of ASCII stands for a byte by its
 * place in a table, `~` and two digits for one that has no place there; `scripts/build-native.mjs` writes both.
 */
import {
  moduleBytesByCharacter,
  moduleText,
  pieceLength,
  relaxedLength,
  simdLength,
} from './modules.generated.js';

/** Characters that stand for nothing, as they would have to be escaped in a script. */
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
  const table: number[] = [];
  for (let code = 32, i = 0; i < moduleBytesByCharacter.length; code++) {
    if (SKIPPED.includes(String.fromCharCode(code))) continue;
    table[code] = Number.parseInt(moduleBytesByCharacter.slice(i, i + 2), 16);
    i += 2;
  }
  let at = 0;
  return () => {
    const byte = table[moduleText.charCodeAt(at++)];
    if (byte !== undefined) return byte;
    at += 2;
    return Number.parseInt(moduleText.slice(at - 2, at), 16);
  };
}

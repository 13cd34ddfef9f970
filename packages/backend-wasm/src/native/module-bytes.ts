/** The two builds of our module as bytes, inflated when first asked for. */
import { inflateSync } from 'fflate';
import { deflatedModules, pieceLength, relaxedLength, simdLength } from './modules.generated.js';

let modules: Readonly<Record<'relaxed' | 'simd', Uint8Array<ArrayBuffer>>> | undefined;

export function moduleBytes(build: 'relaxed' | 'simd'): Uint8Array<ArrayBuffer> {
  modules ??= inflate();
  return modules[build];
}

function inflate(): Readonly<Record<'relaxed' | 'simd', Uint8Array<ArrayBuffer>>> {
  const pieces = new Uint8Array(simdLength + relaxedLength);
  inflateSync(
    Uint8Array.from(atob(deflatedModules), (character) => character.charCodeAt(0)),
    { out: pieces },
  );
  const simd = new Uint8Array(simdLength);
  const relaxed = new Uint8Array(relaxedLength);
  let from = 0;
  for (let at = 0; at < Math.max(simdLength, relaxedLength); at += pieceLength) {
    for (const binary of [simd, relaxed]) {
      const end = from + Math.max(0, Math.min(pieceLength, binary.length - at));
      if (end > from) binary.set(pieces.subarray(from, end), at);
      from = end;
    }
  }
  return { simd, relaxed };
}

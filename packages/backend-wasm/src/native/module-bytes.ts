/** The two builds of our module as bytes, inflated when first asked for. */
import { inflateSync } from 'fflate';
import { deflatedModules, relaxedLength, simdLength } from './modules.generated.js';

let inflated: Uint8Array<ArrayBuffer> | undefined;

export function moduleBytes(build: 'relaxed' | 'simd'): Uint8Array<ArrayBuffer> {
  inflated ??= inflate();
  return build === 'simd' ? inflated.slice(0, simdLength) : inflated.slice(simdLength);
}

function inflate(): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(simdLength + relaxedLength);
  inflateSync(
    Uint8Array.from(atob(deflatedModules), (character) => character.charCodeAt(0)),
    { out },
  );
  return out;
}

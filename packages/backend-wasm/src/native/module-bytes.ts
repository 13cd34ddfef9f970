/** The two builds of our module as bytes, inflated when first asked for. */
import { inflateSync } from 'fflate';
import { deflatedModules, pieces, relaxedLength, simdLength } from './modules.generated.js';

interface Modules {
  readonly simd: Uint8Array<ArrayBuffer>;
  readonly relaxed: Uint8Array<ArrayBuffer>;
}

let inflated: Modules | undefined;

export function moduleBytes(build: 'relaxed' | 'simd'): Uint8Array<ArrayBuffer> {
  inflated ??= inflate();
  return inflated[build];
}

/** The modules' pieces take turns, see `scripts/build-native.mjs`. */
function inflate(): Modules {
  const out = new Uint8Array(simdLength + relaxedLength);
  inflateSync(
    Uint8Array.from(atob(deflatedModules), (character) => character.charCodeAt(0)),
    { out },
  );
  const modules = { simd: new Uint8Array(simdLength), relaxed: new Uint8Array(relaxedLength) };
  let at = 0;
  for (let i = 0; i < pieces; i++) {
    for (const module of [modules.simd, modules.relaxed]) {
      const start = Math.floor((i * module.length) / pieces);
      const length = Math.floor(((i + 1) * module.length) / pieces) - start;
      module.set(out.subarray(at, at + length), start);
      at += length;
    }
  }
  return modules;
}

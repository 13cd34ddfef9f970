import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { moduleBytes } from '../native/module-bytes.js';
import { runnableBuilds } from '../native/module.js';
import { withSharedMemory } from './shared-memory.js';

/** A module from its sections; the first eight bytes are the magic number and the version. */
function moduleOf(...sections: number[][]): Uint8Array {
  return new Uint8Array([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]);
}

const stockFolder = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));

describe('a binary with a shared memory', () => {
  it('differs from the original in the one byte of the flags, for a memory of its own', () => {
    // Section 5, 4 bytes: one memory, flags 1 (a maximum follows), minimum 1, maximum 2.
    const original = moduleOf([5, 4, 1, 1, 1, 2]);
    expect([...withSharedMemory(original)!]).toEqual([...moduleOf([5, 4, 1, 3, 1, 2])]);
    expect(original[11]).toBe(1);
  });

  it('finds an imported memory behind imports of every other kind', () => {
    const named = (letter: number, ...rest: number[]): number[] => [1, letter, 1, letter, ...rest];
    const imports = [
      named(0x61, 0, 0), // a function of type 0
      named(0x62, 1, 0x70, 1, 1, 200, 1), // a table of 1 to 200 functions: 200 takes two bytes
      named(0x63, 3, 0x7f, 0), // a constant i32
      named(0x64, 2, 1, 1, 2), // the memory
    ].flat();
    const original = moduleOf([1, 4, 1, 0x60, 0, 0], [2, imports.length + 1, 4, ...imports]);
    const shared = withSharedMemory(original)!;
    expect([...shared.keys()].filter((i) => shared[i] !== original[i])).toEqual([original.length - 3]);
    const link = (binary: Uint8Array, d: WebAssembly.Memory): WebAssembly.Instance =>
      new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(binary)), {
        a: { a: () => undefined },
        b: { b: new WebAssembly.Table({ element: 'anyfunc', initial: 1, maximum: 200 }) },
        c: { c: 1 },
        d: { d },
      });
    const unsharedMemory = new WebAssembly.Memory({ initial: 1, maximum: 2 });
    const sharedMemory = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });
    expect(link(original, unsharedMemory)).toBeInstanceOf(WebAssembly.Instance);
    expect(link(shared, sharedMemory)).toBeInstanceOf(WebAssembly.Instance);
    expect(() => link(original, sharedMemory)).toThrow(WebAssembly.LinkError);
    expect(() => link(shared, unsharedMemory)).toThrow(WebAssembly.LinkError);
  });

  it.each(['tfjs-backend-wasm.wasm', 'tfjs-backend-wasm-simd.wasm'])('is made of %s', (file) => {
    const binary = new Uint8Array(readFileSync(join(stockFolder, file)));
    const shared = withSharedMemory(binary)!;
    expect(shared.length).toBe(binary.length);
    expect([...shared.keys()].filter((i) => shared[i] !== binary[i])).toHaveLength(1);
  });

  it.each(['simd', 'relaxed'] as const)(
    'is made of our own build %s, which then links with a shared memory only',
    (build) => {
      // Asking which builds run switches relaxed SIMD on where it is behind a flag.
      expect(runnableBuilds()).toContain(build);
      const bytes = moduleBytes(build);
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
      const link = (binary: Uint8Array<ArrayBuffer>): WebAssembly.Instance =>
        new WebAssembly.Instance(new WebAssembly.Module(binary), { env: { memory } });
      expect(() => link(bytes)).toThrow(WebAssembly.LinkError);
      expect(Object.keys(link(withSharedMemory(bytes)!).exports)).toContain('roundsOnce');
    },
  );

  it('gets a maximum of 65,536 pages where it had none, and the section its new size', () => {
    const shared = withSharedMemory(moduleOf([5, 3, 1, 0, 1]))!;
    // 65,536 is 4·128² in LEB128: 0x80, 0x80, 0x04.
    expect([...shared]).toEqual([...moduleOf([5, 6, 1, 3, 1, 0x80, 0x80, 0x04])]);
  });

  it('keeps the rest where the size of the section grows by a byte', () => {
    // Two imports: a global named by 112 letters, 119 bytes, and a memory, 7. With the count 127 bytes, 130 with a maximum.
    const letters = new Array<number>(112).fill(0x61);
    const payload = [2, 112, ...letters, 1, 0x62, 3, 0x7f, 0, 1, 0x63, 1, 0x64, 2, 0, 1];
    const after = [6, 6, 1, 0x7f, 0, 0x41, 5, 0x0b]; // a global of its own: 5
    const shared = withSharedMemory(moduleOf([2, 126, ...payload], after))!;
    // 129 in LEB128: 1, with the bit that says more follows, and 1.
    expect([...shared.slice(8, 12)]).toEqual([2, 0x81, 1, 2]);
    expect([...shared.slice(-8)]).toEqual(after);
  });

  it('cannot be made without a memory, twice, or of other bytes', () => {
    expect(withSharedMemory(moduleOf())).toBeUndefined();
    expect(withSharedMemory(moduleOf([5, 4, 1, 3, 1, 2]))).toBeUndefined();
    expect(withSharedMemory(new Uint8Array([1, 2, 3]))).toBeUndefined();
    expect(withSharedMemory(new Uint8Array())).toBeUndefined();
  });
});

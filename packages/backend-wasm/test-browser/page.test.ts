/** In every page: the binaries are found where `wasmPaths` says, and each build of our kernels trains. */
import { describe, expect, it } from 'vitest';
import { expectClose } from '../src/testing/setup.js';
import { fetchedBinaries, restart, train } from './restart.js';
import { wasmFiles, wasmFolder } from './wasm-files.js';

const SIMD = 'tfjs-backend-wasm-simd.wasm';

describe('wasmPaths', () => {
  it('as a folder: the binary is fetched from there', async () => {
    await restart({ wasmPaths: wasmFolder, threads: 1 });
    expect(fetchedBinaries()).toEqual([`${wasmFolder}${SIMD}`]);
    expect(wasmFiles[SIMD]).not.toContain(wasmFolder);
  });

  it('as a path for each file: the binary is fetched from its path', async () => {
    const wasmPaths = { ...wasmFiles, [SIMD]: `${wasmFiles[SIMD]}?renamed.wasm` };
    await restart({ wasmPaths, threads: 1 });
    expect(fetchedBinaries()).toEqual([wasmFiles[SIMD]]);
    expect(performance.getEntriesByType('resource').map(({ name }) => name)).toContainEqual(
      expect.stringMatching(/\?renamed\.wasm$/),
    );
  });
});

describe('the build of our kernels', () => {
  it('is the one with fused multiply-add, which Chromium has switched on', async () => {
    expect((await restart({ threads: 1 })).details).toMatchObject({ simd: true, build: 'relaxed' });
  });

  it('trains to the same weights in each, but for rounding, and to the same bits twice', async () => {
    const weights: number[][] = [];
    for (const simd of ['off', 'simd', 'relaxed'] as const) {
      const { details } = await restart({ threads: 1, simd });
      expect(details).toMatchObject({ build: simd });
      weights.push(train());
      expect(train()).toEqual(weights.at(-1));
    }
    const [recomposed, plain, relaxed] = weights;
    // Five steps from the same start: products of a thousand terms, each rounded at 6e−8 of its size.
    expectClose(plain!, recomposed!, 1e-5);
    expectClose(relaxed!, recomposed!, 1e-5);
    expect(recomposed!.every(Number.isFinite)).toBe(true);
  });
});

import type { Options } from 'tsup';

/** One build for every library: ESM, CJS and types; everything that is not ours stays external. */
export const library: Options = {
  entry: ['src/index.ts'],
  format: ['esm', 'cjs'],
  dts: true,
  clean: true,
  sourcemap: true,
  target: 'es2022',
  treeshake: true,
  external: ['#gradients'],
};

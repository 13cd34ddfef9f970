import { defineConfig } from 'tsup';

/** A program, not a library: one ESM file, no types. */
export default defineConfig({
  entry: ['src/main.ts'],
  format: ['esm'],
  dts: false,
  clean: true,
  sourcemap: true,
  target: 'es2022',
  treeshake: true,
});

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** One configuration for every package: tests resolve our own packages to their sources, so nothing has to be built first. */
export default defineConfig({
  resolve: { conditions: ['@apo/source', 'module', 'node', 'development|production'] },
  ssr: { resolve: { conditions: ['@apo/source', 'module', 'node', 'development|production'] } },
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    environment: 'node',
    setupFiles: ['tools/test-backend.ts', 'tools/property-seed.ts'].map((file) =>
      fileURLToPath(new URL(file, import.meta.url)),
    ),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    reporters: ['default', 'json'],
    outputFile: { json: 'reports/vitest.json' },
  },
});

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** On a software renderer a training run of a test takes minutes. */
const onWebgpu = process.env['APO_TEST_BACKEND'] === 'webgpu';

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
    globalSetup: onWebgpu ? [fileURLToPath(new URL('tools/vulkan.ts', import.meta.url))] : [],
    testTimeout: onWebgpu ? 900_000 : 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    reporters: ['default', 'json'],
    outputFile: { json: 'reports/vitest.json' },
  },
});

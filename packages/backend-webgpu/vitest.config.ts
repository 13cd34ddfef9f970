import { mergeConfig } from 'vitest/config';
import type { TestUserConfig, ViteUserConfig } from 'vitest/config';
import shared from '../../vitest.shared.ts';

/** These start and lose engines themselves, or run another beside this one. */
const ALONE = ['src/adapter.test.ts', 'src/dawn.test.ts', 'test/models.test.ts', 'test/process.test.ts'];

// These tests activate engines themselves, so they start from `cpu` whatever APO_TEST_BACKEND asks of the others. SwiftShader is found through the
// environment that a process starts with.
const base: ViteUserConfig = mergeConfig(shared, {
  test: {
    env: { APO_TEST_BACKEND: 'cpu' },
    globalSetup: ['src/testing/swiftshader.ts'],
    pool: 'forks',
  },
});

// Half of what a file takes in a process of its own is loading TensorFlow.js and compiling shaders that other files compile, too. So the files that
// leave kernels and choices as they found them share processes, each with one device.
export default {
  ...base,
  test: {
    ...base.test,
    projects: [project('alone', { include: ALONE }), project('together', { exclude: ALONE, isolate: false })],
  },
};

function project(name: string, options: TestUserConfig): ViteUserConfig {
  return { ...base, test: { ...base.test, name, ...options } };
}

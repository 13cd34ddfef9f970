import { mergeConfig } from 'vitest/config';
import shared from '../../vitest.shared.ts';

// These tests activate engines themselves, so they start from `cpu` whatever APO_TEST_BACKEND asks of the others. SwiftShader is found
// through the environment that a process starts with, so each file needs a process of its own.
export default mergeConfig(shared, {
  test: {
    env: { APO_TEST_BACKEND: 'cpu' },
    globalSetup: ['src/testing/swiftshader.ts'],
    pool: 'forks',
  },
});

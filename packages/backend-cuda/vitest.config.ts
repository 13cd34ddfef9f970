import { mergeConfig } from 'vitest/config';
import shared from '../../vitest.shared.ts';

// These tests activate engines themselves, so they start from `cpu` whatever APO_TEST_BACKEND asks of the others.
export default mergeConfig(shared, { test: { env: { APO_TEST_BACKEND: 'cpu' } } });

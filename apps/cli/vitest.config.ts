import { fileURLToPath } from 'node:url';
import { mergeConfig } from 'vitest/config';
import shared from '../../vitest.shared.ts';

// Tests of the engines run on WebGPU, too, in whatever process starts.
export default mergeConfig(shared, {
  test: { globalSetup: [fileURLToPath(new URL('../../tools/vulkan.ts', import.meta.url))] },
});

/** Training in pages, on WebGPU beside WASM. */
import { browserTests } from '../../vitest.browser.shared.js';

export default browserTests({
  page: { include: ['test-browser/page.test.ts'], exclude: [] },
  // WASM has threads there.
  isolatedPage: { include: ['test-browser/isolated-page.test.ts'], exclude: [] },
  setupFiles: ['../../tools/page-backend.ts'],
  setupDependencies: ['@tensorflow/tfjs-backend-cpu', '@tensorflow/tfjs-core'],
  webgpu: true,
});

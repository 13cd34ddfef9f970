/** The tests of this package in a page, on the backend `cpu`. */
import { browserTests } from '../../vitest.browser.shared.js';

export default browserTests({
  page: { include: ['src/**/*.test.ts', 'test/**/*.test.ts'], exclude: [] },
  setupFiles: ['../../tools/page-backend.ts'],
  setupDependencies: ['@tensorflow/tfjs-backend-cpu', '@tensorflow/tfjs-core'],
});

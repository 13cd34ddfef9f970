/** The tests of this package in pages: those that Node runs, too, and those of test-browser/, which need a page. */
import { browserTests } from '../../vitest.browser.shared.js';

const tests = [
  'src/**/*.test.ts',
  'test/**/*.test.ts',
  'test-browser/page.test.ts',
  'test-browser/missing-files.test.ts',
];

const needNode = [
  // Compiles its module when it runs and ends processes; test-browser/isolated-page.test.ts has what matters in pages.
  'src/threads/pool.test.ts',
  // Reads the binaries from the disk and makes them share memory, which only Node needs.
  'src/threads/shared-memory.test.ts',
  // Starts from folders that it writes; test-browser/ starts from the server.
  'src/threads/start.test.ts',
  // Takes 4 GiB of addresses, more than a page need get.
  'src/memory-limit.test.ts',
  // Start processes.
  'test/tfjs-suite.test.ts',
  'test/threads-process.test.ts',
];

export default browserTests({
  page: {
    include: [...tests, 'test-browser/plain-page.test.ts'],
    // There are no threads in such a page.
    exclude: [...needNode, 'src/threads/**', 'src/kernels/threaded.test.ts', 'test/endurance.test.ts'],
  },
  isolatedPage: { include: [...tests, 'test-browser/isolated-page.test.ts'], exclude: needNode },
  setupFiles: ['../../tools/page-backend.ts', './test-browser/setup.ts'],
  setupDependencies: [
    '@tensorflow/tfjs-backend-cpu',
    '@tensorflow/tfjs-backend-wasm',
    '@tensorflow/tfjs-core',
  ],
});

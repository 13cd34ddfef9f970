/**
 * Runs the tests of every package on another engine than `cpu`: `npm run test:wasm`, `npm run test:tfjs-node`.
 * For tfjs-node, APO_TFJS_NODE names the folder of a tfjs-node package (an absolute path) unless it is installed.
 */
import { turbo } from './turbo.mjs';

const [engine, ...rest] = process.argv.slice(2);
process.exit(
  turbo(['run', 'test', '--continue', '--output-logs=new-only', ...rest], { APO_TEST_BACKEND: engine }),
);

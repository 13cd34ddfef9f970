/**
 * Runs the tests of every package on another engine than `cpu`: `npm run test:wasm`, `npm run test:webgpu`, `npm run test:tfjs-node`.
 * WebGPU is that of SwiftShader, where the tests take an hour; with APO_VULKAN=system that of the machine's GPU.
 * For tfjs-node, APO_TFJS_NODE names the folder of a tfjs-node package (an absolute path) unless it is installed.
 * Always afresh: the packages under test do not depend on the engine's, so turbo would replay results of an older engine.
 */
import { turbo } from './turbo.mjs';

const [engine, ...rest] = process.argv.slice(2);
process.exit(
  turbo(['run', 'test', '--force', '--continue', '--output-logs=new-only', ...rest], {
    APO_TEST_BACKEND: engine,
  }),
);

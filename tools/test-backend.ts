/** The engine that a package's tests run on: plain `cpu`, or what APO_TEST_BACKEND names. A vitest set-up file, so that test files name none. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';

const name = process.env['APO_TEST_BACKEND'] ?? 'cpu';

switch (name) {
  case 'cpu':
    await tf.setBackend('cpu');
    quietly(() => tf.dispose(tf.zeros([1])));
    break;
  case 'wasm': {
    const { wasmBackend } = await import('../packages/backend-wasm/src/index.ts');
    await wasmBackend().activate();
    break;
  }
  case 'node': {
    const { nodeBackend } = await import('../packages/backend-node/src/index.ts');
    await nodeBackend().activate();
    break;
  }
  case 'webgpu': {
    const { webgpuBackend } = await import('../packages/backend-webgpu/src/index.ts');
    await webgpuBackend().activate();
    break;
  }
  default:
    throw new Error(`APO_TEST_BACKEND is "${name}"; expected cpu, wasm, node or webgpu.`);
}
await tf.ready();

/** Runs `firstUse` while warnings are off: the cpu backend advertises tfjs-node once, when its first tensor is written. */
function quietly(firstUse: () => void): void {
  tf.env().set('PROD', true);
  firstUse();
  tf.env().set('PROD', false);
}

/** Starting the backend `wasm` anew in one page, and what the page fetched for it. */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { wasmBackend } from '../src/index.js';
import type { WasmBackendOptions } from '../src/index.js';
import type { BackendInfo } from '@apo/core';
import { memoryOf } from '../src/native/module.js';

const factory = tf.findBackendFactory('wasm');

/** Activates the backend as if for the first time. */
export async function restart(options: WasmBackendOptions): Promise<BackendInfo> {
  tf.removeBackend('wasm');
  tf.registerBackend('wasm', factory, 2);
  performance.clearResourceTimings();
  return wasmBackend(options).activate();
}

/** The `.wasm` files fetched since the last `restart`: paths on the server. */
export function fetchedBinaries(): string[] {
  return performance
    .getEntriesByType('resource')
    .map(({ name }) => new URL(name).pathname)
    .filter((path) => path.endsWith('.wasm'));
}

/** Whether the memory of the current backend is shared between threads. */
export function memoryIsShared(): boolean {
  return !(memoryOf(tf.backend() as unknown as BackendWasm).buffer instanceof ArrayBuffer);
}

/**
 * The weights after five steps of a small convolutional network, large enough that its products and convolutions are split
 * between threads; the inputs are the same every time.
 */
export function train(): number[] {
  const wave = (shape: number[], frequency: number): tf.Tensor => {
    const values = Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) =>
      Math.sin(frequency * i),
    );
    return tf.tensor(values, shape);
  };
  const images = wave([16, 16, 16, 8], 0.37) as tf.Tensor4D;
  const targets = wave([16, 10], 0.91);
  const filter = tf.variable<tf.Rank.R4>(tf.mul(wave([3, 3, 8, 16], 0.73), 0.1));
  const dense = tf.variable<tf.Rank.R2>(tf.mul(wave([16 * 8 * 8, 10], 0.29), 0.1));
  const optimizer = tf.train.momentum(0.01, 0.9);
  for (let step = 0; step < 5; step++) {
    optimizer.minimize(() => {
      const maps = tf.maxPool(tf.relu(tf.conv2d(images, filter, 1, 'same')), 2, 2, 'valid');
      const outputs = tf.matMul(tf.reshape(maps, [16, 16 * 8 * 8]), dense);
      return tf.mean<tf.Scalar>(tf.square(tf.sub(outputs, targets)));
    });
  }
  const weights = [...filter.dataSync(), ...dense.dataSync()];
  tf.dispose([images, targets, filter, dense]);
  optimizer.dispose();
  return weights;
}

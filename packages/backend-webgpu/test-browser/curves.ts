/** Twenty steps of Apo in a page, on WebGPU and on WASM: the same training. */
import { Apo, adam } from '@apo/core';
import type { BackendInfo } from '@apo/core';
import { wasmBackend } from '@apo/backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import plain from '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm.wasm?url';
import simd from '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm?url';
import threaded from '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd.wasm?url';
import { webgpuBackend } from '../src/index.js';
import { models } from '../test/models.js';

const wasmPaths = {
  'tfjs-backend-wasm.wasm': plain,
  'tfjs-backend-wasm-simd.wasm': simd,
  'tfjs-backend-wasm-threaded-simd.wasm': threaded,
};

const STEPS = 20;

export interface Curve {
  readonly info: BackendInfo;
  /** Of each step. */
  readonly losses: readonly number[];
  /** The learning rate in the end. */
  readonly rate: number;
  /** Tensors that the training left behind. */
  readonly leaked: number;
}

/** @param threads Of WASM. */
export async function curveOn(engine: 'webgpu' | 'wasm', threads: number): Promise<Curve> {
  const adapter = engine === 'webgpu' ? webgpuBackend() : wasmBackend({ wasmPaths, threads });
  const info = await adapter.activate();
  const before = tf.memory().numTensors;
  const { objective, batch } = models.MLP();
  const optimizer = new Apo(objective, adam({ learningRate: 1e-3 }), {
    preset: 'paper',
    interval: 5,
    seed: 1,
  });
  const losses: number[] = [];
  for (let i = 0; i < STEPS; i++) {
    const [one, other] = [batch(i % 4), batch((i + 1) % 4)];
    const loss = optimizer.step(one, other, { returnLoss: true })!;
    losses.push((await loss.data())[0]!);
    tf.dispose([loss, one.inputs, one.targets, other.inputs, other.targets]);
  }
  const [rate] = Object.values(await optimizer.learningRates());
  optimizer.dispose();
  tf.dispose([...objective.variables]);
  return { info, losses, rate: rate!, leaked: tf.memory().numTensors - before };
}

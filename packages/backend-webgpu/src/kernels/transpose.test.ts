/** Transposes against their definition, and which of them copy. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { webgpuBackend } from '../index.js';
import { backend, counted, take, titleOf, whyNoWebgpu } from '../testing/setup.js';

const missing = await whyNoWebgpu();

describe.skipIf(missing !== undefined)(`transpose${titleOf(missing)}`, () => {
  beforeAll(async () => {
    await webgpuBackend().activate();
    // TensorFlow.js computes small tensors that are not on the device yet on the CPU.
    tf.env().set('WEBGPU_CPU_FORWARD', false);
  });
  afterAll(() => tf.env().set('WEBGPU_CPU_FORWARD', true));

  test.each([
    { shape: [2, 3, 4], perm: [0, 1, 2], copies: false },
    { shape: [2, 1, 3], perm: [1, 0, 2], copies: false },
    { shape: [1, 4], perm: [1, 0], copies: false },
    { shape: [2, 3], perm: [1, 0], copies: true },
    { shape: [2, 1, 3], perm: [2, 1, 0], copies: true },
  ])('of [$shape] by [$perm] (copies: $copies)', async ({ shape, perm, copies }) => {
    const before = [tf.memory().numTensors, backend().numDataIds()];
    const size = tf.util.sizeFromShape(shape);
    // On the device already.
    const x = tf.tidy(() => tf.reshape(tf.add(tf.range(0, size), 0), shape));
    let y: tf.Tensor | undefined;
    const { dispatches } = await counted(() => {
      y = tf.transpose(x, perm);
    });
    expect(dispatches).toBe(copies ? 1 : 0);
    expect(y!.shape).toEqual(perm.map((axis) => shape[axis]));
    // The data outlive x.
    x.dispose();
    const strides = shape.map((_, axis) => tf.util.sizeFromShape(shape.slice(axis + 1)));
    const outer = perm.map((axis) => shape[axis]!);
    const expected = Array.from({ length: size }, (_, i) => {
      let [rest, at] = [i, 0];
      for (let axis = outer.length - 1; axis >= 0; axis--) {
        at += (rest % outer[axis]!) * strides[perm[axis]!]!;
        rest = Math.floor(rest / outer[axis]!);
      }
      return at;
    });
    expect(Array.from(await take(y!))).toEqual(expected);
    expect([tf.memory().numTensors, backend().numDataIds()]).toEqual(before);
  });
});

/** Transposed factors are read where they lie: gradients copy no transpose, but for those that a model itself transposes, and tile nothing. */
import { basePass } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { webgpuBackend } from '../src/index.js';
import { titleOf, whyNoWebgpu } from '../src/testing/setup.js';
import { models } from './models.js';
import type { Model } from './models.js';

const missing = await whyNoWebgpu();

/** Kernels of a forward and a backward pass. */
async function kernelsOf({ objective, batch }: Model): Promise<string[]> {
  const one = batch(0);
  const { kernels } = await tf.profile(() => {
    tf.tidy(() => {
      basePass(objective, [{ batch: one, seed: 1 }]);
    });
  });
  tf.dispose([one.inputs, one.targets, ...objective.variables]);
  return kernels.map(({ name }) => name);
}

describe.skipIf(missing !== undefined)(`kernels of a gradient${titleOf(missing)}`, () => {
  beforeAll(async () => {
    await webgpuBackend().activate();
  });

  test.each([
    ['MLP', 0],
    ['autoencoder', 0],
    ['LeNet', 0],
    ['ResNet block', 0],
    // Heads are brought together twice, and taken apart by the gradient; that of the embedding asks for two that change nothing and copy nothing.
    ['Transformer block', 6],
  ] as const)('%s: %i transposes', async (name, transposes) => {
    const kernels = await kernelsOf(models[name]());
    expect(kernels).toContain(tf.BatchMatMul);
    expect(kernels.filter((kernel) => kernel === tf.Transpose)).toHaveLength(transposes);
  });

  test('batch normalisation tiles nothing', async () => {
    const kernels = await kernelsOf(models['ResNet block']());
    expect(kernels).toContain('ApoBatchNormGradient');
    expect(kernels).not.toContain(tf.Tile);
  });
});

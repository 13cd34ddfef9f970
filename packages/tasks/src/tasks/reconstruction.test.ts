import * as tf from '@tensorflow/tfjs-core';
import { adam, createRandom, RuleOptimizer } from '@apo/core';
import type { SupervisedBatch } from '@apo/core';
import { describe, expect, it } from 'vitest';
import type { Rows } from '../data/rows.js';
import { mlp } from '../models/mlp.js';
import { fileStore } from '../node/file-store.js';
import { autoencoder, autoencoderSmall, autoencoderTiny } from './autoencoder.js';
import { reconstructionTask } from './reconstruction.js';
import type { TaskInstance } from './task.js';

const random = createRandom(4);

/** `count` rows of 4 bytes. */
function bytes(count: number): Rows {
  const values = Uint8Array.from({ length: 4 * count }, () => random.integer(256));
  return { values, width: 4, unit: 255 };
}

const data = { train: bytes(30), test: bytes(2300) };

function toy(seed = 1, weightDecay = 0.01): TaskInstance<SupervisedBatch> {
  const model = mlp({ sizes: [4, 3, 2, 3, 4], activation: ['sigmoid', 'linear', 'sigmoid'], seed });
  return reconstructionTask({ data, model, batchSize: 10, weightDecay });
}

/** Σ over pixels of −x log p − (1 − x) log(1 − p), and of (p − x)², from logits in float64. */
function direct(logits: ArrayLike<number>, pixels: ArrayLike<number>): [bernoulli: number, squares: number] {
  let [bernoulli, squares] = [0, 0];
  for (let i = 0; i < pixels.length; i++) {
    const p = 1 / (1 + Math.exp(-logits[i]!));
    const x = pixels[i]!;
    bernoulli -= x * Math.log(p) + (1 - x) * Math.log(1 - p);
    squares += (p - x) ** 2;
  }
  return [bernoulli, squares];
}

describe('reconstructionTask', () => {
  it('has the Bernoulli loss, summed over pixels and averaged over rows, and ½ c ‖θ‖² beside it', async () => {
    const task = toy();
    const source = task.trainSource(0);
    const batch = await source.next();
    const outputs = task.objective.predict(batch, true) as tf.Tensor;
    const loss = task.objective.loss(outputs, batch);
    const [bernoulli] = direct(await outputs.data(), await batch.inputs.data());
    expect((await loss.data())[0]).toBeCloseTo(bernoulli / 10, 5);
    const penalty = task.objective.regularizer!();
    const weights = await Promise.all(task.variables.map((variable) => variable.data<'float32'>()));
    const squares = weights.reduce((sum, w) => sum + w.reduce((total, x) => total + x * x, 0), 0);
    expect((await penalty.data())[0]).toBeCloseTo(0.005 * squares, 6);
    tf.dispose([outputs, loss, penalty]);
    source.release(batch);
    task.dispose();
  });

  it('counts biases among the weights that decay, and has no regulariser without decay', async () => {
    const task = toy();
    const before = task.objective.regularizer!();
    tf.tidy(() => task.variables[1]!.assign(tf.fill([3], 2)));
    const after = task.objective.regularizer!();
    // Three biases from 0 to 2: ½ · .01 · 3 · 4.
    expect((await after.data())[0]! - (await before.data())[0]!).toBeCloseTo(0.06, 6);
    tf.dispose([before, after]);
    task.dispose();
    const plain = toy(1, 0);
    expect(plain.objective.regularizer).toBeUndefined();
    plain.dispose();
  });

  it('has the gradient that central differences give, with the regulariser', async () => {
    const task = toy();
    const source = task.trainSource(0);
    const batch = await source.next();
    const { objective, variables } = task;
    const total = (): tf.Scalar =>
      tf.add(objective.loss(objective.predict(batch, true), batch), objective.regularizer!());
    const { value, grads } = tf.variableGrads(total, [...variables]);
    // Differences of float32 losses near 3 carry an error of 3e−7 / (2 · 1e−2) = 1.5e−5.
    const h = 1e-2;
    for (const variable of variables) {
      const analytic = await grads[variable.name]!.data();
      const point = [...(await variable.data())];
      for (let k = 0; k < point.length; k++) {
        const moved = (offset: number): number =>
          tf.tidy(() => {
            const shifted = point.map((p, i) => (i === k ? p + offset : p));
            variable.assign(tf.tensor(shifted, variable.shape));
            return total().dataSync()[0]!;
          });
        expect((moved(h) - moved(-h)) / (2 * h)).toBeCloseTo(analytic[k]!, 3);
      }
      tf.tidy(() => variable.assign(tf.tensor(point, variable.shape)));
    }
    tf.dispose([value, grads]);
    source.release(batch);
    task.dispose();
  });

  it.each([1, 1000, 2300])('evaluates %i rows as a direct computation does', async (limit) => {
    const task = toy();
    const before = tf.memory().numTensors;
    const pixels = Float32Array.from(data.test.values.subarray(0, 4 * limit), (byte) => byte / 255);
    const logits = tf.tidy(() => (task.objective.predict(inputsOnly(pixels), false) as tf.Tensor).dataSync());
    const [bernoulli, squares] = direct(logits, pixels);
    const result = await task.evaluate('test', limit);
    expect(result.examples).toBe(limit);
    expect(result.accuracy).toBeUndefined();
    expect(result.loss).toBeCloseTo(bernoulli / limit, 4);
    expect(result.metrics!['meanSquaredError']).toBeCloseTo(squares / limit / 4, 5);
    expect(tf.memory().numTensors).toBe(before);
    await expect(task.evaluate('test', 0)).rejects.toThrow(/limit is 0/);
    task.dispose();
  });

  it('has the Bernoulli divergence: zero between equal outputs, its known value elsewhere', async () => {
    const task = toy();
    const [a, b] = [tf.tensor2d([[0, 1, -2, 0.5]]), tf.tensor2d([[1, 1, 0, 0.5]])];
    // KL(q ‖ p) per pixel, q from the previous logits.
    const kl = (next: number, previous: number): number => {
      const [p, q] = [next, previous].map((z) => 1 / (1 + Math.exp(-z))) as [number, number];
      return q * Math.log(q / p) + (1 - q) * Math.log((1 - q) / (1 - p));
    };
    const [apart, same] = [task.objective.divergence(a, b), task.objective.divergence(a, a)];
    expect((await apart.data())[0]).toBeCloseTo(kl(0, 1) + kl(-2, 0), 6);
    expect((await same.data())[0]).toBeCloseTo(0, 7);
    tf.dispose([a, b, apart, same]);
    task.dispose();
  });
});

function inputsOnly(pixels: Float32Array): SupervisedBatch {
  const inputs = tf.tensor2d(pixels, [pixels.length / 4, 4]);
  return { inputs, targets: inputs };
}

/** By Adam, which needs no warm-up. */
async function train(task: TaskInstance<SupervisedBatch>, steps: number): Promise<void> {
  const optimizer = new RuleOptimizer(task.objective, adam({ learningRate: 0.02 }));
  const source = task.trainSource(0, 64);
  for (let step = 0; step < steps; step++) {
    const batch = await source.next();
    optimizer.step(batch);
    source.release(batch);
  }
  optimizer.dispose();
}

describe('autoencoder', () => {
  const store = fileStore({ download: false });

  it.each([
    [autoencoder, [784, 1000, 500, 250, 30, 250, 500, 1000, 784], 512],
    [autoencoderSmall, [784, 256, 128, 64, 30, 64, 128, 256, 784], 512],
    [autoencoderTiny, [196, 100, 50, 25, 10, 25, 50, 100, 196], 256],
  ])('$name has the published widths and batch size', async (task, sizes, batchSize) => {
    const instance = await task.load({ store });
    expect(instance.variables.filter(({ rank }) => rank === 2).map(({ shape }) => shape)).toEqual(
      sizes.slice(1).map((size, i) => [sizes[i], size]),
    );
    const source = instance.trainSource(0);
    const batch = await source.next();
    expect(batch.inputs.shape).toEqual([batchSize, sizes[0]]);
    expect(batch.targets).toBe(batch.inputs);
    expect(task.defaults.batchSize).toBe(batchSize);
    source.release(batch);
    instance.dispose();
  });

  it('sees the images averaged over 2 × 2 pixels: the same mean as MNIST, 0.1307', async () => {
    const task = await autoencoderTiny.load({ store });
    const source = task.trainSource(0, 20_000);
    const batch = await source.next();
    const mean = tf.tidy(() => tf.mean(batch.inputs).dataSync()[0]!);
    // Image means scatter by about .04: a third of the images is within .001.
    expect(Math.abs(mean - 0.1307)).toBeLessThan(0.001);
    source.release(batch);
    task.dispose();
  });

  it('has a linear code: outputs of the encoder are not confined to (0, 1)', async () => {
    const task = await autoencoderTiny.load({ store });
    const before = tf.memory().numTensors;
    // A code bias of 20 saturates a sigmoid in float32; a linear code passes on what another half adds.
    const codeBias = task.variables.find(({ name }) => name === 'dense4/bias')!;
    const outputsAt = (bias: number): Float32Array =>
      tf.tidy(() => {
        codeBias.assign(tf.fill([10], bias));
        const inputs = tf.zeros([1, 196]);
        return (
          task.objective.predict({ inputs, targets: inputs }, false) as tf.Tensor
        ).dataSync<'float32'>();
      });
    expect(outputsAt(0.2)).not.toEqual(outputsAt(20));
    expect(outputsAt(1)).not.toEqual(outputsAt(2));
    const [near, far] = [outputsAt(20), outputsAt(20.5)];
    expect(near).not.toEqual(far);
    expect(tf.memory().numTensors).toBe(before);
    task.dispose();
  });

  it('learns, repeats a run bit by bit, and leaks nothing', async () => {
    const before = tf.memory().numTensors;
    const run = async (): Promise<number[]> => {
      const task = await autoencoderTiny.load({ store, seed: 2 });
      const start = await task.evaluate('train', 200);
      await train(task, 25);
      const end = await task.evaluate('train', 200);
      task.dispose();
      return [start.loss, end.loss, end.metrics!['meanSquaredError']!];
    };
    const [start, end, error] = (await run()) as [number, number, number];
    // Logits near 0 cost log 2 a pixel, 136, and random ones more. Predicting the mean image costs about 52, an error of about .05 a pixel.
    expect(start).toBeGreaterThan(196 * Math.log(2));
    expect(end).toBeLessThan(65);
    expect(error).toBeLessThan(0.08);
    expect(await run()).toEqual([start, end, error]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('says that it needs a store', async () => {
    await expect(autoencoderTiny.load()).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('The task autoencoder-tiny needs a data store') as string,
    });
  });
});

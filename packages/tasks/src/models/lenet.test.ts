import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { createObjective, createRandom } from '@apo/core';
import type { SupervisedBatch } from '@apo/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lenet } from './lenet.js';
import type { Model } from './model.js';

let before: number;

beforeEach(() => {
  before = tf.memory().numTensors;
});

afterEach(() => {
  expect(tf.memory().numTensors).toBe(before);
});

/** `[channels][height][width]`. */
type Planes = number[][][];

/** Convolution with zeros around, ReLU and 2 × 2 max-pooling in float64; kernels are tfjs's `[5, 5, in, out]`. */
function convolve(x: Planes, kernel: number[][][][], bias: number[], border: number): Planes {
  const size = x[0]!.length + 2 * border - 4;
  const filtered = bias.map((b, out) =>
    Array.from({ length: size }, (_, row) =>
      Array.from({ length: size }, (_, column) => {
        let sum = b;
        for (let i = 0; i < 5; i++) {
          for (let j = 0; j < 5; j++) {
            x.forEach((plane, channel) => {
              const pixel = plane[row + i - border]?.[column + j - border] ?? 0;
              sum += pixel * kernel[i]![j]![channel]![out]!;
            });
          }
        }
        return Math.max(0, sum);
      }),
    ),
  );
  return filtered.map((plane) =>
    Array.from({ length: size / 2 }, (_, row) =>
      Array.from({ length: size / 2 }, (_, column) => {
        const [top, below] = [plane[2 * row]!, plane[2 * row + 1]!];
        return Math.max(top[2 * column]!, top[2 * column + 1]!, below[2 * column]!, below[2 * column + 1]!);
      }),
    ),
  );
}

/** The whole network in float64. */
function forward(model: Model, pixels: number[]): number[] {
  const [c1, cb1, c2, cb2, ...dense] = model.variables.map((variable) => variable.arraySync());
  const image = [Array.from({ length: 28 }, (_, row) => pixels.slice(28 * row, 28 * row + 28))];
  const first = convolve(image, c1 as number[][][][], cb1 as number[], 2);
  const planes = convolve(first, c2 as number[][][][], cb2 as number[], 0);
  // tfjs keeps channels last.
  let h = planes[0]!.flatMap((row, i) => row.flatMap((_, j) => planes.map((plane) => plane[i]![j]!)));
  for (let layer = 0; layer < 3; layer++) {
    const kernel = dense[2 * layer] as number[][];
    const sums = (dense[2 * layer + 1] as number[]).map((b, j) =>
      h.reduce((sum, value, i) => sum + value * kernel[i]![j]!, b),
    );
    h = layer === 2 ? sums : sums.map((z) => Math.max(0, z));
  }
  return h;
}

const random = createRandom(11);
const pixels = Float32Array.from({ length: 2 * 784 }, () => random.next());

function fillBiases(model: Model): void {
  model.variables.forEach((variable, i) => {
    if (variable.rank === 1) tf.tidy(() => variable.assign(tf.fill(variable.shape, 0.02 * i - 0.05)));
  });
}

describe('lenet', () => {
  it('has 61,706 weights, kernel and bias of each layer side by side', () => {
    const model = lenet({ seed: 0 });
    expect(model.variables.map(({ name, shape }) => [name, shape])).toEqual([
      ['conv1/kernel', [5, 5, 1, 6]],
      ['conv1/bias', [6]],
      ['conv2/kernel', [5, 5, 6, 16]],
      ['conv2/bias', [16]],
      ['dense1/kernel', [400, 120]],
      ['dense1/bias', [120]],
      ['dense2/kernel', [120, 84]],
      ['dense2/bias', [84]],
      ['dense3/kernel', [84, 10]],
      ['dense3/bias', [10]],
    ]);
    // 156 + 2,416 + 48,120 + 10,164 + 850.
    expect(model.variables.reduce((sum, { size }) => sum + size, 0)).toBe(61_706);
    model.dispose();
  });

  it('computes the forward pass, from rows and from images alike', async () => {
    const model = lenet({ seed: 2 });
    fillBiases(model);
    const rows = tf.tensor2d(pixels, [2, 784]);
    const images = tf.tensor4d(pixels, [2, 28, 28, 1]);
    const [fromRows, fromImages] = [model.predict(rows), model.predict(images)];
    expect(fromRows.shape).toEqual([2, 10]);
    const values = [...(await fromRows.data())];
    expect([...(await fromImages.data())]).toEqual(values);
    const expected = [0, 784].flatMap((start) => forward(model, [...pixels.subarray(start, start + 784)]));
    values.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 4));
    tf.dispose([rows, images, fromRows, fromImages]);
    model.dispose();
  });

  it('has the gradient that differences of the float64 network give', async () => {
    const model = lenet({ seed: 3 });
    fillBiases(model);
    const objective = createObjective({
      variables: model.variables,
      predict: ({ inputs }: SupervisedBatch) => model.predict(inputs),
      loss: 'softmax-cross-entropy',
    });
    const image = [...pixels.subarray(0, 784)];
    const batch = { inputs: tf.tensor2d(image, [1, 784]), targets: tf.tensor1d([4], 'int32') };
    const { value, grads } = tf.variableGrads(
      () => objective.loss(objective.predict(batch, true), batch),
      [...model.variables],
    );
    const exactLoss = (): number => {
      const logits = forward(model, image);
      const largest = Math.max(...logits);
      const sum = logits.reduce((total, z) => total + Math.exp(z - largest), 0);
      return largest + Math.log(sum) - logits[4]!;
    };
    // A step of 1e−3 seldom crosses a kink of ReLU or pooling; the weights themselves are rounded to float32.
    const h = 2 ** -10;
    for (const variable of model.variables) {
      const analytic = await grads[variable.name]!.data();
      const point = await variable.data<'float32'>();
      const scale = Math.max(...analytic.map(Math.abs));
      for (const k of [0, Math.floor(point.length / 2), point.length - 1]) {
        const moved = (offset: number): [number, number] => {
          const shifted = point.slice();
          shifted[k]! += offset;
          tf.tidy(() => variable.assign(tf.tensor(shifted, variable.shape)));
          return [exactLoss(), shifted[k]!];
        };
        const [[up, right], [down, left]] = [moved(h), moved(-h)];
        expect(Math.abs((up - down) / (right - left) - analytic[k]!)).toBeLessThan(0.02 * scale);
      }
      tf.tidy(() => variable.assign(tf.tensor(point, variable.shape)));
    }
    tf.dispose([value, grads, batch.inputs, batch.targets]);
    model.dispose();
  });

  it('starts with the same bits for the same seed on every engine', async () => {
    const start = async (seed: number): Promise<Float32Array[]> => {
      const model = lenet({ seed });
      const read = await Promise.all(model.variables.map((variable) => variable.data<'float32'>()));
      model.dispose();
      return read;
    };
    const engine = tf.getBackend();
    await tf.setBackend('cpu');
    const onCpu = await start(3);
    await tf.setBackend('wasm');
    const onWasm = await start(3);
    await tf.setBackend(engine);
    expect(onWasm).toEqual(onCpu);
    expect(await start(4)).not.toEqual(onCpu);
  });

  it('draws He-normal kernels: deviation √(2 / fan-in), with a fan-in of 5 · 5 · 6 for the second convolution', async () => {
    const model = lenet({ seed: 5 });
    const values = await model.variables[2]!.data<'float32'>();
    const variance = values.reduce((sum, x) => sum + x * x, 0) / values.length;
    // 2,400 draws: the variance has a relative deviation of √(2 / 2400) = .029; five of them.
    expect(Math.abs(variance / (2 / 150) - 1)).toBeLessThan(0.145);
    model.dispose();
  });

  it('frees its names when disposed, refuses them before, takes a prefix, and refuses a bad seed', () => {
    const first = lenet({ seed: 0 });
    expect(() => lenet({ seed: 0 })).toThrow(/"conv1\/kernel" already exists/);
    const second = lenet({ seed: 0, name: 'other' });
    expect(second.variables[3]?.name).toBe('other/conv2/bias');
    second.dispose();
    first.dispose();
    expect(() => lenet({ seed: 0.5 })).toThrow(/seed is 0.5/);
    lenet({ seed: 0 }).dispose();
  });
});

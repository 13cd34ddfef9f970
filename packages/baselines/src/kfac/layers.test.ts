import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { captureLayers, createObjective } from '@apo/core';
import type { LayerUse, SupervisedBatch } from '@apo/core';
import { relativeError } from '../testing/evidence.js';
import { normal } from '../testing/networks.js';
import { DiagonalBlock } from './diagonal-block.js';
import { fisherSource } from './fisher.js';
import type { FisherSource } from './fisher.js';
import { Kfac } from './kfac.js';
import { KroneckerBlock } from './kronecker-block.js';
import { partition } from './partition.js';
import type { BlockPlan } from './partition.js';

const EMPIRICAL: FisherSource = fisherSource(
  { kind: 'empirical', distribution: undefined, samples: 1, maxExactOutputs: 1 },
  0,
);

type Convolution = Extract<LayerUse, { kind: 'convolution' }>;

/** The rows of the patch matrix, a 1 at the end, by loops over positions and taps. */
function patchRows(use: Convolution): number[][] {
  const { strides, dilations, padding, kernelSize, outputSize } = use.geometry;
  const [examples, height, width, channels] = use.inputs.shape as [number, number, number, number];
  const x = use.inputs.dataSync();
  const rows: number[][] = [];
  for (let n = 0; n < examples; n++)
    for (let oy = 0; oy < outputSize[0]; oy++)
      for (let ox = 0; ox < outputSize[1]; ox++) {
        const row: number[] = [];
        for (let ky = 0; ky < kernelSize[0]; ky++)
          for (let kx = 0; kx < kernelSize[1]; kx++)
            for (let c = 0; c < channels; c++) {
              const iy = oy * strides[0] + ky * dilations[0] - padding[0][0];
              const ix = ox * strides[1] + kx * dilations[1] - padding[1][0];
              const inside = iy >= 0 && ix >= 0 && iy < height && ix < width;
              row.push(inside ? x[((n * height + iy) * width + ix) * channels + c]! : 0);
            }
        rows.push([...row, 1]);
      }
  return rows;
}

/** factor · Σ over rows of row rowᵀ. */
function moments(rows: number[][], factor: number): number[] {
  const side = rows[0]!.length;
  const sum = new Array<number>(side * side).fill(0);
  for (const row of rows)
    for (let i = 0; i < side; i++)
      for (let j = 0; j < side; j++) sum[i * side + j]! += factor * row[i]! * row[j]!;
  return sum;
}

describe('convolution factors against an explicit patch matrix', () => {
  for (const [strides, padding, dilationRate] of [
    [1, 'same', 1],
    [2, 'same', 1],
    [1, 'valid', 1],
    [2, 'valid', 1],
    [1, 'same', 2],
  ] as const) {
    it(`strides ${strides}, padding ${padding}, dilation ${dilationRate}: A sums over positions, Γ averages`, () => {
      const kernel = tf.variable(
        normal([3, 2, 2, 3], 1),
        true,
        `patch/${strides}${padding}${dilationRate}/kernel`,
      );
      const bias = tf.variable(normal([3], 2), true, `patch/${strides}${padding}${dilationRate}/bias`);
      const objective = createObjective<SupervisedBatch>({
        variables: [kernel, bias],
        predict: ({ inputs }) =>
          tf.add(
            tf.conv2d(
              inputs as tf.Tensor4D,
              kernel as unknown as tf.Tensor4D,
              strides,
              padding,
              'NHWC',
              dilationRate,
            ),
            bias,
          ),
        loss: (output, { inputs }) => tf.div(tf.sum(tf.square(output as tf.Tensor)), 2 * inputs.shape[0]),
      });
      const batch = { inputs: normal([3, 5, 4, 2], 3), targets: tf.scalar(0) };
      tf.tidy(() => {
        const capture = captureLayers(objective, { batch, seed: 0 });
        const [plan] = partition(capture.uses, objective.variables, {
          unsupported: 'error',
          maxFactorSide: 64,
        });
        expect(plan).toMatchObject({ block: 'kronecker', layer: 'convolution', rows: 13, columns: 3 });
        const block = new KroneckerBlock(plan as Extract<BlockPlan, { block: 'kronecker' }>, {
          damping: 'factored',
          inverse: 'cholesky',
        });
        const { A, G } = block.statistics({ capture, fisher: EMPIRICAL })!;
        const use = capture.uses[0] as Convolution;
        const rows = patchRows(use);
        expect(relativeError(A!.dataSync(), moments(rows, 1 / 3))).toBeLessThan(1e-5);
        // δ of an example is 3 times the gradient of the mean of 3; Γ is a mean over examples and positions.
        const deltas = tf.reshape(tf.mul(use.outputGradients, 3), [-1, 3]).arraySync() as number[][];
        expect(relativeError(G!.dataSync(), moments(deltas, 1 / rows.length))).toBeLessThan(1e-5);
        // The patch matrix is the one that makes the gradient: Σ rowᵀ Δ.
        const gradient = tf.matMul(
          tf.tensor2d(rows),
          tf.reshape<tf.Rank.R2>(use.outputGradients, [-1, 3]),
          true,
          false,
        );
        const own = tf.concat([
          tf.reshape(capture.gradients[kernel.name]!, [12, 3]),
          tf.reshape(capture.gradients[bias.name]!, [1, 3]),
        ]);
        expect(relativeError(own.dataSync(), gradient.dataSync())).toBeLessThan(1e-5);
      });
      tf.dispose([kernel, bias, batch.inputs, batch.targets]);
    });
  }

  it('with one position everywhere it is the exact Gauss–Newton block of a batch of one', () => {
    // A kernel as large as the image is a dense layer.
    const kernel = tf.variable(normal([2, 2, 1, 2], 1), true, 'whole/kernel');
    const objective = createObjective({
      variables: [kernel],
      predict: ({ inputs }) =>
        tf.reshape(tf.conv2d(inputs as tf.Tensor4D, kernel as unknown as tf.Tensor4D, 1, 'valid'), [-1, 2]),
      loss: 'squared-error',
    });
    const batch = { inputs: normal([1, 2, 2, 1], 3), targets: tf.zeros([1, 2]) };
    const before = kernel.dataSync().slice();
    const optimizer = new Kfac(objective, {
      fisher: 'exact',
      dampingForm: 'exact',
      damping: 0.5,
      learningRate: 1,
      momentum: 0,
      klClip: false,
    });
    optimizer.step(batch);
    // F = x xᵀ ⊗ I, so U = g / (‖x‖² + λ) for g = x yᵀ.
    const x = batch.inputs.dataSync<'float32'>();
    const norm = x.reduce((sum, value) => sum + value * value, 0);
    const y = [0, 1].map((o) => x.reduce((sum, value, i) => sum + value * before[2 * i + o]!, 0));
    const expected = Array.from(
      before,
      (value, i) => value - (x[Math.floor(i / 2)]! * y[i % 2]!) / (norm + 0.5),
    );
    expect(relativeError(kernel.dataSync(), expected)).toBeLessThan(1e-5);
    optimizer.dispose();
    tf.dispose([kernel, batch.inputs, batch.targets]);
  });
});

/** Diagonal blocks' statistics of a batch, against gradients taken one example at a time. */
function expectPerExample(
  variables: tf.Variable[],
  predict: (inputs: tf.Tensor) => tf.Tensor,
  inputs: tf.Tensor,
): void {
  const objective = createObjective<SupervisedBatch>({
    variables,
    predict: (batch) => predict(batch.inputs),
    loss: (output, batch) => tf.div(tf.sum(tf.square(output as tf.Tensor)), 2 * batch.inputs.shape[0]),
  });
  tf.tidy(() => {
    const examples = inputs.shape[0];
    const capture = captureLayers(objective, { batch: { inputs, targets: inputs }, seed: 0 });
    const plans = partition(capture.uses, variables, { unsupported: 'error', maxFactorSide: 64 });
    for (const plan of plans) {
      if (plan.block !== 'diagonal') continue;
      expect(plan.source).toBe('examples');
      const ours = new DiagonalBlock(plan).statistics({ capture, fisher: EMPIRICAL })!['moments']!;
      const variable = variables.find(({ name }) => name === plan.variable)!;
      const squares = Array.from({ length: examples }, (_, n) => {
        const one = tf.slice(
          inputs,
          [n, ...inputs.shape.slice(1).map(() => 0)],
          [1, ...inputs.shape.slice(1)],
        );
        const { grads } = tf.variableGrads(() => tf.div(tf.sum(tf.square(predict(one))), 2), [variable]);
        return tf.square(grads[plan.variable]!);
      });
      expect(ours.shape).toEqual(variable.shape);
      expect(
        relativeError(ours.dataSync(), tf.div(tf.addN(squares), examples).dataSync()),
        plan.layer,
      ).toBeLessThan(1e-4);
    }
  });
}

describe('diagonal blocks are second moments of per-example gradients', () => {
  it('embeddings (an index twice in an example), scales, shifts and layer-normalisation pairs', () => {
    const variables = [
      tf.variable(normal([5, 3], 1), true, 'diagonal/table'),
      tf.variable(normal([3], 2), true, 'diagonal/gain'),
      tf.variable(normal([2, 3], 3), true, 'diagonal/position'),
    ];
    const [table, gain, position] = variables as tf.Tensor[];
    const inputs = tf.tensor2d([
      [0, 0],
      [3, 1],
      [1, 4],
    ]);
    expectPerExample(
      variables,
      (indices) => tf.tanh(tf.add(tf.mul(tf.gather(table!, tf.cast(indices, 'int32')), gain!), position!)),
      inputs,
    );
    tf.dispose([variables, inputs]);
  });

  it('a table of positions whose examples are tokens, as many as it has columns', () => {
    // 2 texts of 3 tokens are 6 examples of 6 features.
    const [texts, tokens, width] = [2, 3, 6];
    const position = tf.variable(normal([tokens, width], 1), true, 'diagonal/tokens');
    const inputs = normal([texts, tokens, width], 2);
    const predict = (): tf.Tensor2D =>
      tf.reshape(tf.tanh(tf.add(inputs, position as tf.Tensor)), [-1, width]);
    const objective = createObjective<SupervisedBatch>({
      variables: [position],
      predict,
      loss: (output) => tf.div(tf.sum(tf.square(output as tf.Tensor)), 2 * texts * tokens),
    });
    tf.tidy(() => {
      const capture = captureLayers(objective, { batch: { inputs, targets: inputs }, seed: 0 });
      expect(capture.examples).toBe(texts * tokens);
      const [plan] = partition(capture.uses, [position], { unsupported: 'error', maxFactorSide: 64 });
      if (plan?.block !== 'diagonal') throw new Error('A table that is added is no matrix of a layer.');
      const ours = new DiagonalBlock(plan).statistics({ capture, fisher: EMPIRICAL })!['moments']!;
      const squares = Array.from({ length: texts * tokens }, (_, row) => {
        const one = (): tf.Scalar => tf.div(tf.sum(tf.square(tf.slice(predict(), [row, 0], [1, width]))), 2);
        return tf.square(tf.variableGrads(one, [position]).grads[position.name]!);
      });
      const expected = tf.div(tf.addN(squares), texts * tokens);
      expect(relativeError(ours.dataSync(), expected.dataSync())).toBeLessThan(1e-4);
    });
    tf.dispose([position, inputs]);
  });

  it('depthwise kernels, their biases, and batch-normalisation pairs', () => {
    const variables = [
      tf.variable(normal([2, 2, 2, 2], 1), true, 'depthwise/kernel'),
      tf.variable(normal([4], 2), true, 'depthwise/bias'),
      tf.variable(normal([4], 3), true, 'depthwise/gamma'),
      tf.variable(normal([4], 4), true, 'depthwise/beta'),
    ];
    const [kernel, bias, gamma, beta] = variables as tf.Tensor[];
    const inputs = normal([3, 3, 3, 2], 5);
    expectPerExample(
      variables,
      (images) => {
        const y = tf.add(tf.depthwiseConv2d(images as tf.Tensor4D, kernel as tf.Tensor4D, 1, 'same'), bias!);
        // Fixed moments, as in evaluation mode: with the batch's own there is no gradient of a single example.
        return tf.tanh(
          tf.batchNorm(y, tf.fill([4], 0.1), tf.fill([4], 2), beta as tf.Tensor1D, gamma as tf.Tensor1D),
        );
      },
      inputs,
    );
    tf.dispose([variables, inputs]);
  });
});

/** Residual networks for small images of 3 channels (He et al. 2016) with batch normalisation and 1×1 convolutions where a stage narrows the image. */
import type { Random } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { affine, assemble, batch, bias, kernel } from './parts.js';
import type { BenchModel } from './parts.js';

interface ResnetSize {
  /** Channels of the first stage; each further one has twice as many. */
  readonly channels?: number;
  /** Width and height of an image. */
  readonly side?: number;
}

interface ResnetShape extends Required<ResnetSize> {
  readonly stages: number;
  /** In each stage. */
  readonly blocks: number;
}

const EPSILON = 1e-5;
/** Weight of a batch in the moving averages. */
const AVERAGE_RATE = 0.1;

/** A convolution without bias, then batch normalisation. */
interface NormalizedConvolution {
  readonly variables: readonly tf.Variable[];
  readonly averages: readonly [tf.Variable, tf.Variable];
  readonly apply: (x: tf.Tensor, training: boolean) => tf.Tensor;
}

function normalizedConvolution(
  name: string,
  window: number,
  inputs: number,
  outputs: number,
  stride: number,
  random: Random,
): NormalizedConvolution {
  const weights = kernel(name, [window, window, inputs, outputs], random);
  const scale = tf.tidy(() => tf.variable(tf.ones([outputs]), true, `bench/${name}/scale`));
  const offset = bias(name, outputs);
  const mean = tf.tidy(() => tf.variable(tf.zeros([outputs]), false, `bench/${name}/mean`));
  const variance = tf.tidy(() => tf.variable(tf.ones([outputs]), false, `bench/${name}/variance`));
  return {
    variables: [weights, scale, offset],
    averages: [mean, variance],
    apply(x, training) {
      const y = tf.conv2d(x as tf.Tensor4D, weights as unknown as tf.Tensor4D, stride, 'same');
      const moments = training ? tf.moments(y, [0, 1, 2]) : { mean, variance };
      if (training) {
        move(mean, moments.mean);
        move(variance, moments.variance);
      }
      return tf.batchNorm(
        y,
        moments.mean as tf.Tensor1D,
        moments.variance as tf.Tensor1D,
        offset as unknown as tf.Tensor1D,
        scale as unknown as tf.Tensor1D,
        EPSILON,
      );
    },
  };
}

function move(average: tf.Variable, value: tf.Tensor): void {
  average.assign(tf.add(tf.mul(average, 1 - AVERAGE_RATE), tf.mul(value, AVERAGE_RATE)));
}

/** ResNet-20 (Sec. 4.2): 272,474 parameters at full size. */
export function resnet20(
  batchSize: number,
  random: Random,
  { channels = 16, side = 32 }: ResnetSize,
): BenchModel {
  return resnet(batchSize, random, { channels, side, stages: 3, blocks: 3 });
}

/** ResNet-18 (Table 1) with a stem of 3×3 for small images: 62 variables, 11,173,962 parameters at full size. */
export function resnet18(
  batchSize: number,
  random: Random,
  { channels = 64, side = 32 }: ResnetSize,
): BenchModel {
  return resnet(batchSize, random, { channels, side, stages: 4, blocks: 2 });
}

function resnet(
  batchSize: number,
  random: Random,
  { channels: width, side, stages, blocks: depth }: ResnetShape,
): BenchModel {
  const stem = normalizedConvolution('stem', 3, 3, width, 1, random);
  const blocks = Array.from({ length: stages }, (_, stage) => width * 2 ** stage).flatMap((channels, stage) =>
    Array.from({ length: depth }, (_, i) => {
      const narrows = stage > 0 && i === 0;
      const inputs = narrows ? channels / 2 : channels;
      const stride = narrows ? 2 : 1;
      const name = `stage${stage}/block${i}`;
      return {
        first: normalizedConvolution(`${name}/first`, 3, inputs, channels, stride, random),
        second: normalizedConvolution(`${name}/second`, 3, channels, channels, 1, random),
        shortcut: narrows
          ? normalizedConvolution(`${name}/shortcut`, 1, inputs, channels, stride, random)
          : undefined,
      };
    }),
  );
  const head = affine('head', width * 2 ** (stages - 1), 10, random);
  const convolutions = [
    stem,
    ...blocks.flatMap(({ first, second, shortcut }) => [first, second, ...(shortcut ? [shortcut] : [])]),
  ];
  return assemble(
    [...convolutions.flatMap(({ variables }) => variables), ...head.variables],
    'softmax-cross-entropy',
    (inputs, training) => {
      const features = blocks.reduce<tf.Tensor>(
        (x, { first, second, shortcut }) => {
          const residual = second.apply(tf.relu(first.apply(x, training)), training);
          return tf.relu(tf.add(residual, shortcut?.apply(x, training) ?? x));
        },
        tf.relu(stem.apply(inputs, training)),
      );
      return head.apply(tf.mean(features, [1, 2]));
    },
    () => batch([batchSize, side, side, 3], 10, random),
    convolutions.flatMap(({ averages }) => averages),
  );
}

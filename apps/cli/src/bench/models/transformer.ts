/** A small decoder-only Transformer (Vaswani et al. 2017) with the normalisation before each sublayer, predicting the next token. */
import type { Random, SupervisedBatch } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { affine, assemble, bias, kernel } from './parts.js';
import type { BenchModel } from './parts.js';

const VOCABULARY = 1000;
const LENGTH = 32;
const WIDTH = 128;
const HEADS = 4;
const LAYERS = 2;
const HIDDEN = 4 * WIDTH;
const EPSILON = 1e-5;

/** Layer normalisation over the features of `[rows, WIDTH]`. */
function layerNorm(name: string): {
  readonly variables: readonly tf.Variable[];
  readonly apply: (x: tf.Tensor) => tf.Tensor;
} {
  const scale = tf.tidy(() => tf.variable(tf.ones([WIDTH]), true, `bench/${name}/scale`));
  const offset = bias(name, WIDTH);
  return {
    variables: [scale, offset],
    apply(x) {
      const centred = tf.sub(x, tf.mean(x, 1, true));
      const variance = tf.mean(tf.square(centred), 1, true);
      return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, EPSILON))), scale), offset);
    },
  };
}

/** `[batch · LENGTH, WIDTH]` as `[batch · HEADS, LENGTH, WIDTH / HEADS]`. */
function splitHeads(x: tf.Tensor, batchSize: number): tf.Tensor3D {
  const heads = tf.transpose(tf.reshape(x, [batchSize, LENGTH, HEADS, WIDTH / HEADS]), [0, 2, 1, 3]);
  return tf.reshape(heads, [batchSize * HEADS, LENGTH, WIDTH / HEADS]);
}

/** The inverse of `splitHeads`. */
function joinHeads(x: tf.Tensor, batchSize: number): tf.Tensor {
  const tokens = tf.transpose(tf.reshape(x, [batchSize, HEADS, LENGTH, WIDTH / HEADS]), [0, 2, 1, 3]);
  return tf.reshape(tokens, [batchSize * LENGTH, WIDTH]);
}

/** −1e9 above the diagonal: a token attends to itself and to what comes before. */
function causalMask(): tf.Tensor {
  const later = (at: number): boolean => at % LENGTH > Math.floor(at / LENGTH);
  const values = Float32Array.from({ length: LENGTH * LENGTH }, (_, at) => (later(at) ? -1e9 : 0));
  return tf.tensor2d(values, [LENGTH, LENGTH]);
}

function layer(name: string, batchSize: number, mask: tf.Tensor, random: Random) {
  const attentionNorm = layerNorm(`${name}/attention/norm`);
  const [query, key, value, output] = (['query', 'key', 'value', 'output'] as const).map((part) =>
    affine(`${name}/attention/${part}`, WIDTH, WIDTH, random),
  ) as [Dense, Dense, Dense, Dense];
  const feedNorm = layerNorm(`${name}/feed/norm`);
  const expand = affine(`${name}/feed/expand`, WIDTH, HIDDEN, random);
  const contract = affine(`${name}/feed/contract`, HIDDEN, WIDTH, random);
  const parts = [attentionNorm, query, key, value, output, feedNorm, expand, contract];
  return {
    variables: parts.flatMap(({ variables }) => variables),
    apply(x: tf.Tensor): tf.Tensor {
      const normal = attentionNorm.apply(x);
      const [q, k, v] = [query, key, value].map((part) => splitHeads(part.apply(normal), batchSize));
      const scores = tf.mul(tf.matMul(q!, k!, false, true), 1 / Math.sqrt(WIDTH / HEADS));
      const mixed = tf.matMul(tf.softmax(tf.add(scores, mask)), v!);
      const attended = tf.add(x, output.apply(joinHeads(mixed, batchSize)));
      return tf.add(attended, contract.apply(tf.relu(expand.apply(feedNorm.apply(attended)))));
    },
  };
}

type Dense = ReturnType<typeof affine>;

/** 657,896 parameters. Inputs are tokens `[batch, LENGTH]`, targets one-hot `[batch · LENGTH, VOCABULARY]`. */
export function transformer(batchSize: number, random: Random): BenchModel {
  const tokens = kernel('tokens', [VOCABULARY, WIDTH], random);
  const positions = kernel('positions', [LENGTH, WIDTH], random);
  const mask = causalMask();
  const layers = Array.from({ length: LAYERS }, (_, i) => layer(`layer${i}`, batchSize, mask, random));
  const norm = layerNorm('norm');
  const head = affine('head', WIDTH, VOCABULARY, random);
  const model = assemble(
    [tokens, positions, ...[...layers, norm, head].flatMap(({ variables }) => variables)],
    'softmax-cross-entropy',
    (inputs) => {
      const embedded = tf.add(tf.gather(tokens, inputs as tf.Tensor2D), positions);
      const rows = tf.reshape(embedded, [batchSize * LENGTH, WIDTH]);
      return head.apply(norm.apply(layers.reduce((x, { apply }) => apply(x), rows)));
    },
    () => tokenBatch(batchSize, random),
  );
  return {
    ...model,
    dispose() {
      model.dispose();
      mask.dispose();
    },
  };
}

function tokenBatch(batchSize: number, random: Random): SupervisedBatch {
  const draw = (): Int32Array =>
    Int32Array.from({ length: batchSize * LENGTH }, () => random.integer(VOCABULARY));
  return tf.tidy(() => ({
    inputs: tf.tensor2d(draw(), [batchSize, LENGTH], 'int32'),
    targets: tf.cast(tf.oneHot(tf.tensor1d(draw(), 'int32'), VOCABULARY), 'float32'),
  }));
}

/** A small decoder-only Transformer (Vaswani et al. 2017) with the normalisation before each sublayer, predicting the next token. */
import type { Random, SupervisedBatch } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { affine, assemble, bias, kernel } from './parts.js';
import type { BenchModel } from './parts.js';

const HEADS = 4;
const LAYERS = 2;
const EPSILON = 1e-5;

interface TransformerSize {
  readonly vocabulary: number;
  /** Tokens of a text. */
  readonly length: number;
  readonly width: number;
}

/** Layer normalisation over the features of `[rows, width]`. */
function layerNorm(
  name: string,
  width: number,
): {
  readonly variables: readonly tf.Variable[];
  readonly apply: (x: tf.Tensor) => tf.Tensor;
} {
  const scale = tf.tidy(() => tf.variable(tf.ones([width]), true, `bench/${name}/scale`));
  const offset = bias(name, width);
  return {
    variables: [scale, offset],
    apply(x) {
      const centred = tf.sub(x, tf.mean(x, 1, true));
      const variance = tf.mean(tf.square(centred), 1, true);
      return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, EPSILON))), scale), offset);
    },
  };
}

/** `[batch · length, width]` as `[batch · HEADS, length, width / HEADS]`. */
function splitHeads(x: tf.Tensor, batchSize: number, { length, width }: TransformerSize): tf.Tensor3D {
  const heads = tf.transpose(tf.reshape(x, [batchSize, length, HEADS, width / HEADS]), [0, 2, 1, 3]);
  return tf.reshape(heads, [batchSize * HEADS, length, width / HEADS]);
}

/** The inverse of `splitHeads`. */
function joinHeads(x: tf.Tensor, batchSize: number, { length, width }: TransformerSize): tf.Tensor {
  const tokens = tf.transpose(tf.reshape(x, [batchSize, HEADS, length, width / HEADS]), [0, 2, 1, 3]);
  return tf.reshape(tokens, [batchSize * length, width]);
}

/** −1e9 above the diagonal: a token attends to itself and to what comes before. */
function causalMask(length: number): tf.Tensor {
  const later = (at: number): boolean => at % length > Math.floor(at / length);
  const values = Float32Array.from({ length: length * length }, (_, at) => (later(at) ? -1e9 : 0));
  return tf.tensor2d(values, [length, length]);
}

function layer(name: string, batchSize: number, size: TransformerSize, mask: tf.Tensor, random: Random) {
  const { width } = size;
  const attentionNorm = layerNorm(`${name}/attention/norm`, width);
  const [query, key, value, output] = (['query', 'key', 'value', 'output'] as const).map((part) =>
    affine(`${name}/attention/${part}`, width, width, random),
  ) as [Dense, Dense, Dense, Dense];
  const feedNorm = layerNorm(`${name}/feed/norm`, width);
  const expand = affine(`${name}/feed/expand`, width, 4 * width, random);
  const contract = affine(`${name}/feed/contract`, 4 * width, width, random);
  const parts = [attentionNorm, query, key, value, output, feedNorm, expand, contract];
  return {
    variables: parts.flatMap(({ variables }) => variables),
    apply(x: tf.Tensor): tf.Tensor {
      const normal = attentionNorm.apply(x);
      const [q, k, v] = [query, key, value].map((part) => splitHeads(part.apply(normal), batchSize, size));
      const scores = tf.mul(tf.matMul(q!, k!, false, true), 1 / Math.sqrt(width / HEADS));
      const mixed = tf.matMul(tf.softmax(tf.add(scores, mask)), v!);
      const attended = tf.add(x, output.apply(joinHeads(mixed, batchSize, size)));
      return tf.add(attended, contract.apply(tf.relu(expand.apply(feedNorm.apply(attended)))));
    },
  };
}

type Dense = ReturnType<typeof affine>;

/** 657,896 parameters at full size. Inputs are tokens `[batch, length]`, targets one-hot `[batch · length, vocabulary]`. */
export function transformer(
  batchSize: number,
  random: Random,
  { vocabulary = 1000, length = 32, width = 128 }: Partial<TransformerSize>,
): BenchModel {
  const size = { vocabulary, length, width };
  const tokens = kernel('tokens', [vocabulary, width], random);
  const positions = kernel('positions', [length, width], random);
  const mask = causalMask(length);
  const layers = Array.from({ length: LAYERS }, (_, i) => layer(`layer${i}`, batchSize, size, mask, random));
  const norm = layerNorm('norm', width);
  const head = affine('head', width, vocabulary, random);
  const model = assemble(
    [tokens, positions, ...[...layers, norm, head].flatMap(({ variables }) => variables)],
    'softmax-cross-entropy',
    (inputs) => {
      const embedded = tf.add(tf.gather(tokens, inputs as tf.Tensor2D), positions);
      const rows = tf.reshape(embedded, [batchSize * length, width]);
      return head.apply(norm.apply(layers.reduce((x, { apply }) => apply(x), rows)));
    },
    () => tokenBatch(batchSize, size, random),
  );
  return {
    ...model,
    dispose() {
      model.dispose();
      mask.dispose();
    },
  };
}

function tokenBatch(
  batchSize: number,
  { vocabulary, length }: TransformerSize,
  random: Random,
): SupervisedBatch {
  const draw = (): Int32Array =>
    Int32Array.from({ length: batchSize * length }, () => random.integer(vocabulary));
  return tf.tidy(() => ({
    inputs: tf.tensor2d(draw(), [batchSize, length], 'int32'),
    targets: tf.cast(tf.oneHot(tf.tensor1d(draw(), 'int32'), vocabulary), 'float32'),
  }));
}

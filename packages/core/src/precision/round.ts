/**
 * Rounding of float32 tensors to bfloat16 and float16, to nearest, ties to even. The result is a float32 tensor whose values
 * the format has: TensorFlow.js has no 16-bit type, so this is what 16-bit arithmetic gives, not what it costs.
 */
import * as tf from '@tensorflow/tfjs-core';
import { runEngineKernel } from '../engine-kernels.js';
import { requireArgument } from '../errors.js';
import type { TensorMap } from '../update-rule.js';
import { formatOf, requirePrecision } from './format.js';
import type { Precision } from './format.js';

/**
 * Every element of `x` (float32, any shape) as the nearest number of the format; a new tensor that the caller owns.
 * NaN stays NaN, zeros keep their sign; beyond the largest finite number (65504 for `fp16`, 3.39e38 for `bf16`) by half a
 * spacing or more it is infinity, and subnormal numbers of the format are kept, wherever the engine itself keeps them.
 * The gradient is straight-through: the cotangent, which is 16-bit too, is rounded and passed on.
 * @throws ApoError `INVALID_ARGUMENT` for another precision or a tensor that is not float32.
 */
export function roundTo<T extends tf.Tensor>(x: T, precision: Precision): T {
  requirePrecision(precision);
  requireArgument(
    x.dtype === 'float32',
    () => `roundTo takes a float32 tensor, not ${x.dtype}; cast it first, or leave it as it is.`,
  );
  const straightThrough = tf.customGrad((value) => ({
    value: rounded(value as tf.Tensor, precision),
    gradFunc: (cotangent: tf.Tensor) => roundTo(cotangent, precision),
  }));
  return straightThrough(x) as T;
}

/** `roundTo` on every float32 tensor of a map, one that occurs twice only once; others are passed on as they are. */
export function roundMap(
  map: TensorMap,
  precision: Precision,
  done = new Map<tf.Tensor, tf.Tensor>(),
): TensorMap {
  return Object.fromEntries(
    Object.entries(map).map(([name, tensor]) => {
      const result = done.get(tensor) ?? (tensor.dtype === 'float32' ? roundTo(tensor, precision) : tensor);
      done.set(tensor, result);
      return [name, result];
    }),
  );
}

function rounded(x: tf.Tensor, precision: Precision): tf.Tensor {
  const fused = runEngineKernel('ApoRound', { roles: { x: { x } }, attributes: { precision } });
  return fused ? fused[0]! : tf.tidy(() => composed(x, precision));
}

/** In plain ops. A comparison with NaN does not hold, so that NaN takes the way of ordinary numbers, which keeps it. */
function composed(x: tf.Tensor, precision: Precision): tf.Tensor {
  const { splitter, smallestNormal, subnormalShift, zeroBelow, large, largeScale } = formatOf(precision);
  const magnitude = tf.abs(x);
  const subnormal = tf.where(
    tf.lessEqual(magnitude, zeroBelow),
    tf.mul(x, 0),
    tf.sub(tf.add(x, subnormalShift), subnormalShift),
  );
  const beyond =
    largeScale === 0
      ? tf.mul(x, 2 ** 127)
      : tf.mul(leadingBits(clip(tf.mul(x, largeScale), 2 ** 128 * largeScale), splitter), 1 / largeScale);
  return tf.where(
    tf.less(magnitude, smallestNormal),
    subnormal,
    tf.where(tf.greaterEqual(magnitude, large), beyond, leadingBits(x, splitter)),
  );
}

/** Where infinity becomes `limit`, which the scale takes back to infinity: the splitting would make NaN of it. */
function clip(x: tf.Tensor, limit: number): tf.Tensor {
  return tf.clipByValue(x, -limit, limit);
}

/** The leading bits of x by Veltkamp's splitting (Dekker 1971): c − (c − x) with c = (2ˢ + 1) x, each operation rounded. */
function leadingBits(x: tf.Tensor, splitter: number): tf.Tensor {
  const c = tf.mul(x, splitter);
  return tf.sub(c, tf.sub(c, x));
}

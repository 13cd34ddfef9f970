/** Maps of kept tensors: replaced without leaks, and checked before a checkpoint is taken. */
import * as tf from '@tensorflow/tfjs-core';
import { ApoError } from '@apo/core';
import type { OptimizerState, TensorMap } from '@apo/core';

/** `f` on every entry. */
export function mapValues(map: TensorMap, f: (tensor: tf.Tensor, name: string) => tf.Tensor): TensorMap {
  return Object.fromEntries(Object.entries(map).map(([name, tensor]) => [name, f(tensor, name)]));
}

/** The state `next`, kept, in place of `old`: tensors that are in both stay, the others of `old` are disposed. */
export function exchanged(old: TensorMap, next: TensorMap): TensorMap {
  return mapValues(next, (tensor, name) =>
    tensor === old[name] ? tensor : replacedTensor(old[name]!, tensor),
  );
}

/** A kept copy of `next`; `old` is disposed. */
export function replacedTensor(old: tf.Tensor, next: tf.Tensor): tf.Tensor {
  const kept = tf.keep(tf.clone(next));
  old.dispose();
  return kept;
}

/** Kept zeros. */
export function zeros(shapes: Readonly<Record<string, readonly number[]>>): TensorMap {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, tf.keep(tf.tidy(() => tf.zeros([...shape])))]),
  );
}

/** The shapes of a map under `prefix/`. */
export function shapesOf(map: TensorMap, prefix?: string): Record<string, readonly number[]> {
  return Object.fromEntries(
    Object.entries(map).map(([name, { shape }]) => [
      prefix === undefined ? name : `${prefix}/${name}`,
      shape,
    ]),
  );
}

/** The map with `prefix/` before its names. */
export function prefixed(prefix: string, map: TensorMap): TensorMap {
  return Object.fromEntries(Object.entries(map).map(([name, tensor]) => [`${prefix}/${name}`, tensor]));
}

/**
 * Checks a state before any of it is taken.
 * @throws ApoError `CHECKPOINT_MISMATCH` unless it has exactly the tensors of `shapes` and the numbers of `numbers`.
 */
export function requireState(
  { tensors, values }: OptimizerState,
  name: string,
  shapes: Readonly<Record<string, readonly number[]>>,
  numbers: readonly string[],
): void {
  const problems: string[] = [];
  if (values['name'] !== name) problems.push(`it was saved by ${String(values['name'])}, this is ${name}`);
  for (const [key, shape] of Object.entries(shapes)) {
    const found = tensors[key];
    if (found === undefined) problems.push(`${key} is missing`);
    else if (found.shape.join() !== shape.join())
      problems.push(`${key} is [${found.shape.join(', ')}], expected [${shape.join(', ')}]`);
  }
  for (const key of Object.keys(tensors)) if (!(key in shapes)) problems.push(`${key} is not known here`);
  for (const key of numbers)
    if (!Number.isFinite(values[key])) problems.push(`${key} is ${JSON.stringify(values[key])}`);
  if (!Array.isArray(values['random']) || !values['random'].every(Number.isFinite))
    problems.push('the random generator is missing');
  if (problems.length > 0) throw stateMismatch(problems);
}

export function stateMismatch(problems: readonly string[], cause?: unknown): ApoError {
  const more = problems.length > 5 ? ` (and ${problems.length - 5} more)` : '';
  return new ApoError(
    'CHECKPOINT_MISMATCH',
    `This optimizer state belongs to another model, method or set of options: ${problems.slice(0, 5).join('; ')}${more}. Build the optimizer with the options it was saved with.`,
    cause === undefined ? {} : { cause },
  );
}

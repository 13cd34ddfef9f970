/**
 * The gradient of `einsum`: with C = einsum('A,B->C', a, b), da = einsum('C,B->A', dC, b), and where a label is in A alone
 * (so it was summed over) the same value for each of its indices.
 */
import * as tf from '@tensorflow/tfjs-core';

export const einsumGradient: tf.GradConfig = {
  kernelName: 'Einsum',
  saveAllInputs: true,
  gradFunc: (dy, saved, attrs) => {
    const [inputs, output] = (attrs['equation'] as string).replace(/\s/g, '').split('->') as [string, string];
    const terms = inputs.split(',');
    return Object.fromEntries(
      saved.map((tensor, i) => [
        String(i),
        () => {
          const other = terms.findIndex((_, j) => j !== i);
          return operandGradient(
            { labels: terms[i]!, shape: tensor.shape },
            { labels: output, tensor: dy as tf.Tensor },
            other < 0 ? undefined : { labels: terms[other]!, tensor: tf.cast(saved[other]!, 'float32') },
          );
        },
      ]),
    );
  },
};

interface Term {
  readonly labels: string;
  readonly tensor: tf.Tensor;
}

function operandGradient(
  { labels, shape }: { labels: string; shape: number[] },
  upstream: Term,
  other: Term | undefined,
): tf.Tensor {
  const known = upstream.labels + (other?.labels ?? '');
  const kept = Array.from(labels)
    .filter((label) => known.includes(label))
    .join('');
  const partial =
    other === undefined
      ? tf.einsum(`${upstream.labels}->${kept}`, upstream.tensor)
      : tf.einsum(`${upstream.labels},${other.labels}->${kept}`, upstream.tensor, other.tensor);
  if (kept.length === labels.length) return partial;
  const expanded = shape.map((extent, axis) => (kept.includes(labels[axis]!) ? extent : 1));
  return tf.mul(tf.reshape(partial, expanded), tf.fill(shape, 1));
}

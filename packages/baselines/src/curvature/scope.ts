/** `tf.tidy` for functions that return something other than tensors. */
import * as tf from '@tensorflow/tfjs-core';

/** Runs `body` and disposes every tensor it made, unless kept; also when it throws. What it returns must hold none of them. */
export function scoped<T>(body: () => T): T {
  const engine = tf.engine();
  engine.startScope();
  try {
    return body();
  } finally {
    engine.endScope();
  }
}

/** TensorFlow.js prints a banner at the first tensor on its cpu backend in Node; this program says better what an engine costs. */
import * as tf from '@tensorflow/tfjs-core';

/** Runs `body`, in which that first tensor may be made, with the banner off. */
export function withoutGreeting<T>(body: () => T): T {
  const production = tf.env().getBool('PROD');
  tf.env().set('PROD', true);
  try {
    return body();
  } finally {
    tf.env().set('PROD', production);
  }
}

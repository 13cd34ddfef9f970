/** Stands in for methods of TensorFlow.js's engine while a function runs: the one place that replaces and gives them back. */
import * as tf from '@tensorflow/tfjs-core';

type Engine = ReturnType<typeof tf.engine>;

/**
 * Runs `body` with these methods of the engine replaced. Afterwards, also when `body` throws, the engine is as it was before, with
 * whatever stood in before. Calls may be nested.
 */
export function withEngineDoors<T>(doors: Partial<Engine>, body: () => T): T {
  const engine = tf.engine();
  const before = Object.keys(doors).map(
    (door) => [door, Object.getOwnPropertyDescriptor(engine, door)] as const,
  );
  Object.assign(engine, doors);
  try {
    return body();
  } finally {
    for (const [door, descriptor] of before) {
      if (descriptor) Object.defineProperty(engine, door, descriptor);
      else Reflect.deleteProperty(engine, door);
    }
  }
}

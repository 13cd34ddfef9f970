import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { expect, it } from 'vitest';
import { withEngineDoors } from './engine-doors.js';

/** A stand-in that notes its calls. */
function noting(log: string[], name: string): typeof runKernel {
  const inner = tf.engine().runKernel.bind(tf.engine());
  return (...call) => {
    log.push(`${name} ${call[0]}`);
    return inner(...call);
  };
}
const { runKernel } = tf.engine();

it('replaces methods for one call, nested ones outside in, and gives them back after an error too', () => {
  const engine = tf.engine();
  const log: string[] = [];
  const negate = (): void => tf.tidy(() => void tf.neg([1, 2]));
  const result = withEngineDoors({ runKernel: noting(log, 'outer') }, () => {
    const outer = engine.runKernel;
    expect(() =>
      withEngineDoors({ runKernel: noting(log, 'inner') }, () => {
        negate();
        throw new Error('in the middle');
      }),
    ).toThrow('in the middle');
    expect(engine.runKernel).toBe(outer);
    negate();
    return 7;
  });
  negate();
  expect(result).toBe(7);
  expect(log).toEqual(['inner Neg', 'outer Neg', 'outer Neg']);
  // The method is the class's again, not one of the object's own.
  expect(Object.hasOwn(engine, 'runKernel')).toBe(false);
  expect(engine.runKernel).toBe(runKernel);
});

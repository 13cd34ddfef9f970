import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { rosenbrock } from '@apo/tasks';
import { beforeAll, expect, it } from 'vitest';
import { gradientAt, toPlane, turned, valueAt } from './landscape.js';
import { turnedObjective } from './objective.js';

beforeAll(() => tf.setBackend('cpu'));

it('at 0° is the task of @apo/tasks, to the last bit', async () => {
  const start = [-1.2, 0.7] as const;
  const task = await rosenbrock.load({ start, name: 'objective-test' });
  const { objective, dispose } = turnedObjective(start, 0, 'objective-test-page');
  const read = <B>(
    of: { loss: (o: tf.Tensor, b: B) => tf.Scalar; predict: (b: B, t: boolean) => unknown },
    b: B,
  ) =>
    tf.tidy(() => {
      const outputs = of.predict(b, true) as tf.Tensor;
      return [...outputs.dataSync(), of.loss(outputs, b).dataSync()[0]!];
    });
  expect(read(objective, null)).toEqual(read(task.objective, {}));
  task.dispose();
  dispose();
});

it.each([0, 90, 30, -70])(
  'turned by %d° has the value and the turned gradient of the function',
  (degrees) => {
    const before = tf.memory().numTensors;
    const point = [0.4, -0.9] as const;
    const { objective, place, dispose } = turnedObjective(toPlane(point, degrees), degrees, 'turned');
    const loss = (): tf.Scalar => objective.loss(objective.predict(null, true), null);
    const { value, grads } = tf.variableGrads(loss, [place]);
    const f = valueAt(point);
    expect(Math.abs(value.dataSync()[0]! / f - 1)).toBeLessThan(1e-5);
    const [gx, gy] = gradientAt(point);
    // R g, from R (g gᵀ) Rᵀ: compared as a matrix, so that the sign of the turn counts.
    const [a, b, c] = turned([gx * gx, gx * gy, gy * gy], degrees);
    const [u, v] = grads['turned']!.dataSync();
    const scale = gx * gx + gy * gy;
    expect(Math.abs(u! * u! - a) / scale).toBeLessThan(1e-5);
    expect(Math.abs(u! * v! - b) / scale).toBeLessThan(1e-5);
    expect(Math.abs(v! * v! - c) / scale).toBeLessThan(1e-5);
    tf.dispose([value, grads]);
    dispose();
    expect(tf.memory().numTensors).toBe(before);
  },
);

/** The LeNet-5 of the tasks, on synthetic images. */
import type { Random } from '@apo/core';
import { lenet as lenetModel } from '@apo/tasks';
import { assemble, batch } from './parts.js';
import type { BenchModel } from './parts.js';

/** 28×28×1 – conv 5×5×6 same – pool – conv 5×5×16 – pool – 120 – 84 – 10, ReLU. */
export function lenet(batchSize: number, random: Random): BenchModel {
  const { variables, predict } = lenetModel({ seed: random.integer(2 ** 31), name: 'bench' });
  return assemble([...variables], 'softmax-cross-entropy', predict, () =>
    batch([batchSize, 28, 28, 1], 10, random),
  );
}

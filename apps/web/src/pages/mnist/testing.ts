/** Examples for tests that can be learned in a few steps. */
import { createRandom } from '@apo/core';
import type { LabelledExamples } from '@apo/tasks';

/** Ten classes in turn: a bright bar of three rows, at another height for each class, in noise. */
export function bars(count: number, seed: number): LabelledExamples {
  const random = createRandom(seed);
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 10);
  const inputs = Uint8Array.from({ length: count * 784 }, (_, i) => {
    const row = Math.floor((i % 784) / 28);
    const label = labels[Math.floor(i / 784)]!;
    return random.integer(60) + (row >= 2 * label && row < 2 * label + 3 ? 150 : 0);
  });
  return { labels, inputs, exampleShape: [28, 28], classes: 10 };
}

/** Digits of MNIST's size for tests: the synthetic ones of @apo/tasks, twice as large, with a margin. */
import { syntheticDigits } from '@apo/tasks';
import type { LabelledExamples, LabelledSplits } from '@apo/tasks';

const SIDE = 28;
const SMALL = 12;
const MARGIN = 2;

/** The same images every time. */
export function digitImages(train: number, test: number): LabelledSplits {
  const small = syntheticDigits({ train, test });
  return { train: enlarged(small.train), test: enlarged(small.test) };
}

function enlarged({ inputs, labels, classes }: LabelledExamples): LabelledExamples {
  const large = new Uint8Array(labels.length * SIDE * SIDE);
  for (let i = 0; i < large.length; i++) {
    const row = Math.floor((i % SIDE ** 2) / SIDE) - MARGIN;
    const column = (i % SIDE) - MARGIN;
    if (row < 0 || column < 0 || row >= 2 * SMALL || column >= 2 * SMALL) continue;
    const image = Math.floor(i / SIDE ** 2) * SMALL ** 2;
    large[i] = inputs[image + Math.floor(row / 2) * SMALL + Math.floor(column / 2)]!;
  }
  return { inputs: large, labels, exampleShape: [SIDE, SIDE], classes };
}

/** The grid of window shapes, strides and paddings that convolutions and poolings are tested on. Not published. */
import type { Conv } from './reference.js';

const shapes = [
  { inHeight: 5, inWidth: 5, filterHeight: 2, filterWidth: 2 },
  { inHeight: 6, inWidth: 7, filterHeight: 3, filterWidth: 3 },
  { inHeight: 7, inWidth: 4, filterHeight: 3, filterWidth: 2 },
  { inHeight: 4, inWidth: 9, filterHeight: 1, filterWidth: 5 },
  { inHeight: 3, inWidth: 3, filterHeight: 3, filterWidth: 3 },
  { inHeight: 4, inWidth: 4, filterHeight: 1, filterWidth: 1 },
];
const strides: [number, number][] = [
  [1, 1],
  [2, 2],
  [1, 2],
  [3, 1],
];
const explicit: Conv['pad'] = [
  [0, 0],
  [1, 0],
  [0, 2],
  [0, 0],
];

/** Every combination of a shape, a stride and a padding that leaves an output. */
export function windowGrid(pads: readonly Conv['pad'][] = ['same', 'valid', 1, explicit]): Conv[] {
  return shapes.flatMap((shape) =>
    strides.flatMap((stride) =>
      pads
        .filter((pad) => allowed(pad, shape, stride))
        .map((pad) => ({ ...shape, strides: stride, pad, batch: 3, inChannels: 2, outChannels: 3 })),
    ),
  );
}

/**
 * A window wholly inside the padding has no inputs; only a 1-wide window can be. And tfjs-core computes the output's size
 * for a padding given as one number from the height's window and stride alone, so that form needs a square.
 */
function allowed(
  pad: Conv['pad'],
  shape: (typeof shapes)[number],
  [vertical, horizontal]: [number, number],
): boolean {
  if (typeof pad === 'string') return true;
  if (Math.min(shape.filterHeight, shape.filterWidth) === 1) return false;
  return typeof pad !== 'number' || (shape.filterHeight === shape.filterWidth && vertical === horizontal);
}

export function describeConv({
  inHeight,
  inWidth,
  filterHeight,
  filterWidth,
  strides: s,
  pad,
}: Conv): string {
  return `${inHeight}×${inWidth}, window ${filterHeight}×${filterWidth}, strides ${s.join()}, pad ${JSON.stringify(pad)}`;
}

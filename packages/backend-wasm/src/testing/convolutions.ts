/** Convolutions of any geometry for fast-check: sizes, windows, strides or dilations, paddings, channels. Not published. */
import fc from 'fast-check';
import { outputSize } from './reference.js';
import type { Conv } from './reference.js';

const size = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });
const pair = (max: number): fc.Arbitrary<[number, number]> => fc.tuple(size(1, max), size(1, max));

const pads: fc.Arbitrary<Conv['pad']> = fc.oneof(
  fc.constantFrom<Conv['pad'][]>('same', 'valid'),
  fc.tuple(size(0, 3), size(0, 3), size(0, 3), size(0, 3)).map(([a, b, c, d]): Conv['pad'] => [
    [0, 0],
    [a, b],
    [c, d],
    [0, 0],
  ]),
);

/** Either strides or dilations differ from 1, as TensorFlow.js demands; only those that leave an output. */
export const convolutions: fc.Arbitrary<Conv> = fc
  .record({
    batch: size(1, 3),
    inHeight: size(1, 9),
    inWidth: size(1, 9),
    inChannels: size(1, 9),
    filterHeight: size(1, 4),
    filterWidth: size(1, 4),
    outChannels: fc.oneof(size(1, 9), size(14, 35)),
    pad: pads,
    form: fc.oneof(
      pair(3).map((strides) => ({ strides })),
      pair(3).map((dilations) => ({ strides: [1, 1] as const, dilations })),
    ),
  })
  .map(({ form, ...conv }): Conv => ({ ...conv, ...form }))
  .filter((conv) => {
    const { outHeight, outWidth } = outputSize(conv);
    return outHeight > 0 && outWidth > 0;
  });

/** Depthwise ones: any number of channels, with `outChannels`, the multiplier, up to 6. */
export const depthwiseConvolutions: fc.Arbitrary<Conv> = fc
  .tuple(convolutions, size(1, 6))
  .map(([{ outChannels, ...conv }, multiplier]) => ({
    ...conv,
    inChannels: outChannels,
    outChannels: multiplier,
  }));

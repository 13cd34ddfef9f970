/** ApoRound: several tensors to bfloat16 or float16, to nearest, ties to even, in the integers that their bits are; in the form of an update without a state. */
import type { RoundKernelAttributes, UpdateKernelAttributes } from '@apo/core';
import type * as tf from '@tensorflow/tfjs-core';
import { defineKernel } from '../kernel.js';
import { updateKernel } from '../update-kernel.js';

type Precision = RoundKernelAttributes['precision'];
interface Attributes extends UpdateKernelAttributes {
  readonly precision: Precision;
}

/** `size` is the value's bits without the sign; infinities and NaN are those from 0x7f800000 on. Each leaves the rounded ones in `rounded`. */
const CODE: Readonly<Record<Precision, string>> = {
  // The upper 16 bits of 32, so a carry into the exponent is right, too.
  bf16: `rounded = (size + 0x7fffu + ((size >> 16u) & 1u)) & 0xffff0000u;`,
  // From 2^-14 on 13 bits fewer, and infinity from 65,520 on; below it whole multiples of 2^-24, of which half or less is zero.
  fp16: `
        if (size >= 0x38800000u) {
          rounded = (size + 0xfffu + ((size >> 13u) & 1u)) & 0xffffe000u;
          if (rounded >= 0x47800000u) { rounded = 0x7f800000u; }
        } else if (size <= 0x33000000u) {
          rounded = 0u;
        } else {
          let mantissa = (size & 0x7fffffu) | 0x800000u;
          let shift = 126u - (size >> 23u);
          let whole = mantissa >> shift;
          let rest = mantissa & ((1u << shift) - 1u);
          let tie = 1u << (shift - 1u);
          let up = rest > tie || (rest == tie && (whole & 1u) == 1u);
          rounded = bitcast<u32>(f32(whole + select(0u, 1u, up)) * 5.9604644775390625e-8);
        }`,
};

const round = updateKernel<Attributes>({
  kernelName: 'ApoRound',
  slots: () => [],
  numbers: () => ({}),
  variant: ({ precision }) => precision,
  code: ({ precision }) => `
      let bits = bitcast<u32>(g);
      let size = bits & 0x7fffffffu;
      var rounded = size;
      if (size < 0x7f800000u) {
        ${CODE[precision]}
      }
      let d = bitcast<f32>(rounded | (bits & 0x80000000u));`,
});

export const apoRound = defineKernel<Readonly<Record<string, tf.TensorInfo>>, RoundKernelAttributes>(
  'ApoRound',
  ({ inputs, attrs: { count, precision }, backend }) => {
    const renamed = Object.fromEntries(
      Object.entries(inputs).map(([name, tensor]) => [name.replace(/^x/, 'gradient'), tensor]),
    );
    return round.kernelFunc({
      inputs: renamed,
      backend,
      attrs: { count, precision, places: [], output: 'direction' },
    });
  },
);

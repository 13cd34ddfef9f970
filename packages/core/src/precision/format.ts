/** The two 16-bit floating-point formats, bfloat16 and IEEE 754 binary16, by the numbers that rounding to them needs. */
import { requireArgument } from '../errors.js';

/**
 * `bf16`: bfloat16, 8 significant bits over the range of float32. `fp16`: IEEE 754 binary16, 11 significant bits from 2⁻²⁴ to
 * 65504.
 */
export type Precision = 'bf16' | 'fp16';

/** The names, for options and help texts. */
export const precisions: readonly Precision[] = ['bf16', 'fp16'];

/** A format inside float32. Every number here is itself a float32. */
export interface Format {
  /** 2ˢ + 1, where s is the number of significant bits to drop: Veltkamp's constant. */
  readonly splitter: number;
  /** Below this magnitude the spacing is fixed. */
  readonly smallestNormal: number;
  /** 1.5·2ᵏ, whose neighbours in float32 are as far apart as the subnormal numbers of the format. */
  readonly subnormalShift: number;
  /** Half of the smallest subnormal: it and everything below rounds to zero. */
  readonly zeroBelow: number;
  /** From here on the splitter may overflow, or the result does. */
  readonly large: number;
  /** What a large number is multiplied by before it is split and divided by after it. */
  readonly largeScale: number;
}

const formats: Readonly<Record<Precision, Format>> = {
  bf16: {
    splitter: 2 ** 16 + 1,
    smallestNormal: 2 ** -126,
    subnormalShift: 1.5 * 2 ** -110,
    zeroBelow: 2 ** -134,
    large: 2 ** 100,
    largeScale: 2 ** -24,
  },
  fp16: {
    splitter: 2 ** 13 + 1,
    smallestNormal: 2 ** -14,
    subnormalShift: 1.5 * 2 ** -1,
    zeroBelow: 2 ** -25,
    // Half a spacing above the largest finite number, 65504: all of these round to infinity.
    large: 65520,
    largeScale: 0,
  },
};

/** The numbers of a format. */
export function formatOf(precision: Precision): Format {
  return formats[precision];
}

/** @throws ApoError `INVALID_ARGUMENT` unless `precision` is one of `precisions`. */
export function requirePrecision(precision: Precision): Precision {
  requireArgument(
    precisions.includes(precision),
    () =>
      `precision is ${JSON.stringify(precision)}; expected one of ${precisions.map((name) => `'${name}'`).join(', ')} (float32 is what runs without this wrapper).`,
  );
  return precision;
}

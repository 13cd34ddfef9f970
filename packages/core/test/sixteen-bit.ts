/** The 16-bit formats by their definition, in float64: every number of a format, and the nearest one to a float32. Evidence for tests. */

interface Definition {
  /** Significant bits. */
  readonly digits: number;
  /** The exponent of the smallest normal number. */
  readonly lowest: number;
  readonly exponentBits: number;
}

const definitions: Readonly<Record<'bf16' | 'fp16', Definition>> = {
  bf16: { digits: 8, lowest: -126, exponentBits: 8 },
  fp16: { digits: 11, lowest: -14, exponentBits: 5 },
};

export type Name = keyof typeof definitions;

/** The number that a 16-bit pattern stands for (IEEE 754: sign, biased exponent, fraction). */
export function decode(name: Name, pattern: number): number {
  const { digits, lowest, exponentBits } = definitions[name];
  const sign = pattern & 0x8000 ? -1 : 1;
  const fraction = pattern & (2 ** (digits - 1) - 1);
  const exponent = (pattern & 0x7fff) >> (digits - 1);
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN;
  const significand = exponent === 0 ? fraction : fraction + 2 ** (digits - 1);
  return sign * significand * 2 ** (Math.max(exponent, 1) - 1 + lowest - digits + 1);
}

/** All 2¹⁶ of them, in the order of their patterns. */
export function everyNumber(name: Name): Float32Array {
  return Float32Array.from({ length: 2 ** 16 }, (_, pattern) => decode(name, pattern));
}

const scratch = new DataView(new ArrayBuffer(4));

/** The float32 with these bits. */
export function fromBits(bits: number): number {
  scratch.setUint32(0, bits >>> 0);
  return scratch.getFloat32(0);
}

/** The bits of a float32. */
export function toBits(x: number): number {
  scratch.setFloat32(0, x);
  return scratch.getUint32(0);
}

/**
 * The number of the format nearest to a float32, ties to even, computed in float64, where each step is exact: x in units of the
 * spacing around it, rounded to a whole number.
 */
export function nearest(name: Name, x: number): number {
  if (!Number.isFinite(x) || x === 0) return x;
  const { digits, lowest, exponentBits } = definitions[name];
  // The exponent field of a float32; subnormal float32s are far below the smallest normal float16, and as those of bfloat16.
  const exponent = ((toBits(x) >>> 23) & 0xff) - 127;
  const spacing = 2 ** (Math.max(exponent, lowest) - digits + 1);
  const units = Math.abs(x) / spacing;
  const below = Math.floor(units);
  const rest = units - below;
  const whole = rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
  const magnitude = whole * spacing;
  const overflow = 2 ** (2 ** (exponentBits - 1));
  const rounded = magnitude >= overflow ? Infinity : magnitude;
  return x < 0 ? -rounded : rounded;
}

/** Whether the format has every one of these. */
export function hasAll(name: Name, values: ArrayLike<number>): boolean {
  return Array.from(values).every((x) => Object.is(nearest(name, x), x));
}

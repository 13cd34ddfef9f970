/**
 * The network of the page: one hidden layer of Gaussian units of four widths, φ(x), whose output weights are trained, f(x, θ) = θᵀφ(x).
 * It is linear in θ, so every term of the proximal objective is quadratic and its minimiser exact; as in larger networks, smooth
 * changes are cheap in weights and sharp ones dear. Plain float64, no tensors.
 */

/** The inputs that the page shows. */
export const DOMAIN = [-3, 3] as const;

/** Units of one width: `gain` is what each of them gives at its centre. Finer units are weaker, so sharp changes need long weights. */
export interface Scale {
  readonly width: number;
  readonly spacing: number;
  readonly gain: number;
}

export const SCALES: readonly Scale[] = [
  { width: 3, spacing: 1, gain: 0.5 },
  { width: 1, spacing: 0.5, gain: 0.25 },
  { width: 0.35, spacing: 0.2, gain: 0.1 },
  { width: 0.07, spacing: 0.1, gain: 0.05 },
];

interface Unit {
  readonly centre: number;
  readonly width: number;
  readonly gain: number;
}

/** Centres at whole multiples of the spacing, a width beyond the domain on either side. */
function unitsOf({ width, spacing, gain }: Scale): Unit[] {
  const reach = Math.ceil((DOMAIN[1] + width) / spacing);
  return Array.from({ length: 2 * reach + 1 }, (_, i) => ({ centre: (i - reach) * spacing, width, gain }));
}

const UNITS: readonly Unit[] = SCALES.flatMap(unitsOf);

/** Gain of the constant unit, the bias. */
export const BIAS = 1;

/** Number of weights, the bias included. */
export const FEATURES = UNITS.length + 1;

/** φ(x) `[FEATURES]`. */
export function features(x: number): number[] {
  return [
    BIAS,
    ...UNITS.map(({ centre, width, gain }) => gain * Math.exp(-0.5 * ((x - centre) / width) ** 2)),
  ];
}

/** `count` inputs, evenly spaced over the domain, ends included. */
export function evenly(count: number): number[] {
  const [low, high] = DOMAIN;
  return Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1));
}

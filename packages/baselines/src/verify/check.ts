/** What one comparison of the theory with a computation found. */
export type VerificationName = 'update-rules' | 'equation-4' | 'theorem-1' | 'corollary-2' | 'table-1';

/** A comparison; it passed when the error is at most the tolerance. */
export interface Check {
  readonly verification: VerificationName;
  /** What is claimed, with the case: `Theorem 1, squared error`. */
  readonly name: string;
  /** The two sides of the comparison, and in what the error is measured. */
  readonly compared: string;
  readonly error: number;
  readonly tolerance: number;
  readonly passed: boolean;
  /** What a reader should know of it. */
  readonly note?: string;
  /** The measurements behind the error, where it sums up several. */
  readonly series?: CheckSeries;
}

export interface CheckSeries {
  readonly xLabel: string;
  readonly yLabel: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** Fills in `passed`; an error that is not a number has not passed. */
export function check(measured: Omit<Check, 'passed'>): Check {
  return { ...measured, passed: measured.error <= measured.tolerance };
}

/** ‖a − b‖ / ‖b‖, or ‖a‖ where b is zero. */
export function relativeDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    size += b[i]! ** 2;
  }
  return Math.sqrt(size === 0 ? difference : difference / size);
}

/** Means over the values behind each place: what is drawn of losses of single batches. */

/** At each place the mean of it and the `window` − 1 values before it, or of as many as there are. For values ≥ 0. */
export function trailingMean(values: readonly number[], window: number): number[] {
  if (window === 1) return [...values];
  let sum = 0;
  return values.map((value, i) => {
    sum += value - (i >= window ? values[i - window]! : 0);
    // Sums of positive numbers that cancel could end just below zero.
    return Math.max(sum, 0) / Math.min(i + 1, window);
  });
}

/** Means over the values behind each place: what is drawn of losses of single batches. */

/** At each place the mean of it and the `window` − 1 values before it, or of as many as there are. */
export function trailingMean(values: readonly number[], window: number): number[] {
  // Each sum anew: in a running one, a loss that has once been huge leaves nothing of the small ones after it.
  return values.map((_, end) => {
    const first = Math.max(0, end + 1 - window);
    let sum = 0;
    for (let i = first; i <= end; i++) sum += values[i]!;
    return sum / (end + 1 - first);
  });
}

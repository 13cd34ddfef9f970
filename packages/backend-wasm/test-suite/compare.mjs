// Sets the results of this package's kernels beside those of the stock ones.

/**
 * @param {import('./compare.mjs').Results} stock
 * @param {import('./compare.mjs').Results} ours
 * @param {Record<string, string>} intended Tests that must pass on stock and fail on ours, with the reason.
 * @returns {import('./compare.mjs').Comparison}
 */
export function compare(stock, ours, intended) {
  const before = new Set(stock.passed);
  const after = new Set(ours.passed);
  const lost = stock.passed.filter((name) => !after.has(name));
  const reasonOf = (name) => ours.failed[name] ?? 'did not run';
  return {
    newlyPassing: ours.passed.filter((name) => !before.has(name)),
    regressions: Object.fromEntries(
      lost.filter((name) => !(name in intended)).map((name) => [name, reasonOf(name)]),
    ),
    intended: lost.filter((name) => name in intended),
    // Listed as a difference, but it passes on both or fails on both.
    outdated: Object.keys(intended).filter(
      (name) => !lost.includes(name) && (before.has(name) || name in stock.failed),
    ),
  };
}

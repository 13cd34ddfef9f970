/** What one engine made of the suite. */
export interface Results {
  /** Names of tests; a number tells apart those of the same name. */
  readonly passed: readonly string[];
  /** Why each of these failed, in one line. */
  readonly failed: Readonly<Record<string, string>>;
}

export interface Comparison {
  readonly newlyPassing: readonly string[];
  /** Pass on stock and not on ours, with the reason. */
  readonly regressions: Readonly<Record<string, string>>;
  /** The same, where that is meant to be. */
  readonly intended: readonly string[];
  /** Meant to differ, but do not. */
  readonly outdated: readonly string[];
}

export function compare(
  stock: Results,
  ours: Results,
  intended: Readonly<Record<string, string>>,
): Comparison;

/** The verifications in the order in which they ran, each with its title and its checks. */
import type { Check } from '@apo/baselines';

export interface CheckGroup {
  readonly title: string;
  readonly checks: readonly Check[];
}

/** "52 of 53 checks hold". */
export function countText(groups: readonly CheckGroup[]): string {
  const checks = groups.flatMap((group) => group.checks);
  return `${checks.filter(({ passed }) => passed).length} of ${checks.length} checks hold`;
}

/** Two digits: an error is a magnitude. */
export function errorText(error: number): string {
  if (!Number.isFinite(error)) return 'not finite';
  return error === 0 ? '0' : error.toExponential(1).replace('e+', 'e');
}

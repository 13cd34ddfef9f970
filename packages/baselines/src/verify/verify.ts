/** The theory as a list of computations: what `apo verify` runs and reports. */
import { requireArgument } from '@apo/core';
import type { UpdateRule } from '@apo/core';
import type { Check, VerificationName } from './check.js';
import { verifyClosedForm } from './closed-form.js';
import { verifyCorollary2 } from './corollary-2.js';
import { coreRules, verifyRuleVjps } from './rule-vjp.js';
import { verifyTable1 } from './table-1.js';
import { verifyTheorem1 } from './theorem-1.js';

export interface VerifyOptions {
  /** Rules whose products are checked beside those of core: preconditioners, or a rule of one's own. */
  readonly rules?: readonly UpdateRule[];
  /** Seed of networks and data, a whole number. Default 1, for which the tolerances are known to hold. */
  readonly seed?: number;
  /** Default: all. */
  readonly only?: readonly VerificationName[];
  /** Called after each verification, for a report that grows. */
  readonly onChecks?: (title: string, checks: readonly Check[]) => void;
}

export interface VerifyReport {
  readonly checks: readonly Check[];
  /** True when every check passed. */
  readonly passed: boolean;
}

interface Verification {
  readonly title: string;
  readonly run: (options: VerifyOptions) => Check[];
}

const verifications: Record<VerificationName, Verification> = {
  'update-rules': {
    title: 'Derivatives of the update rules',
    run: ({ rules = [], seed }) => verifyRuleVjps([...coreRules(), ...rules], seed),
  },
  'equation-4': {
    title: 'Eq. 4: the closed form of the proximal step, for large λ',
    run: ({ seed }) => verifyClosedForm(seed),
  },
  'theorem-1': {
    title: 'Theorem 1: the optimal preconditioner',
    run: ({ seed }) => verifyTheorem1(seed),
  },
  'corollary-2': {
    title: 'Corollary 2: KFAC as an optimal preconditioner',
    run: ({ seed }) => verifyCorollary2(seed),
  },
  'table-1': {
    title: 'Table 1: classical methods as approximations of the proximal objective',
    run: ({ seed }) => verifyTable1(seed),
  },
};

/** The names that `only` takes, in the order in which they run. */
export const verificationNames = Object.keys(verifications) as readonly VerificationName[];

/**
 * Runs the verifications on small networks, in a few seconds on the active engine. Leaves no tensor behind.
 * @throws ApoError `INVALID_ARGUMENT` for an unknown name in `only`.
 */
export function verifyTheory(options: VerifyOptions = {}): VerifyReport {
  const names = options.only ?? verificationNames;
  for (const name of names) {
    requireArgument(
      name in verifications,
      () => `only names "${name}"; expected some of ${verificationNames.join(', ')}.`,
    );
  }
  const checks = names.flatMap((name) => {
    const { title, run } = verifications[name];
    const found = run(options);
    options.onChecks?.(title, found);
    return found;
  });
  return { checks, passed: checks.every(({ passed }) => passed) };
}

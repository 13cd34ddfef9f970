/** The preconditioners whose derivatives `apo verify` checks: every form, with each kind of learned scale, small enough for its networks. */
import type { UpdateRule } from '@apo/core';
import { fullPreconditioner, precondition } from '@apo/precond';
import type { PreconditionOptions } from '@apo/precond';

/** P₀ = 0.2 · I: steps that stay where four-point differences of Q are exact. */
const INITIAL_SCALE = 0.2;

/** Rank 1 and blocks of 2: layers of three or four units would otherwise have full factors in every form. */
const kronecker: Readonly<Record<string, PreconditionOptions>> = {
  'low-rank P, one scale': { form: 'low-rank', rank: 1, learnedScale: 'global' },
  'low-rank P, a scale for each layer': { form: 'low-rank', rank: 1, learnedScale: 'layer' },
  'full P_S': { form: 'full', learnedScale: false },
  'full P_S with momentum and weight decay': {
    form: 'full',
    learnedScale: 'global',
    momentum: 0.9,
    weightDecay: 0.1,
  },
  'block-diagonal P_S': { form: 'block', blockSize: 2, learnedScale: 'global' },
  'diagonal P': { form: 'diagonal', learnedScale: false },
};

/** Rules for `verifyTheory`, under names that say what they are. */
export function preconditionerRules(): UpdateRule[] {
  const initialScale = INITIAL_SCALE;
  return [
    ...Object.entries(kronecker).map(([name, options]) => ({
      ...precondition({ ...options, initialScale }),
      name,
    })),
    { ...fullPreconditioner({ factored: true, learnedScale: false, initialScale }), name: 'dense P = C Cᵀ' },
    {
      ...fullPreconditioner({ factored: false, learnedScale: 'global', initialScale }),
      name: 'dense P with a scale',
    },
  ];
}

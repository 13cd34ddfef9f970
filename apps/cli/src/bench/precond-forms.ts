/** The forms of the preconditioner that the benchmark compares, as options of @apo/precond. */
import type { PartitionOptions } from '@apo/precond';
import { benchForms } from './subject.js';
import type { BenchForm } from './subject.js';

export const formOptions: Readonly<Record<BenchForm, PartitionOptions>> = {
  'low-rank': { form: 'low-rank', rank: 16 },
  'low-rank-32': { form: 'low-rank', rank: 32 },
  full: { form: 'full' },
  block: { form: 'block', blockSize: 64 },
  diagonal: { form: 'diagonal' },
};

export const formTitles: Readonly<Record<BenchForm, string>> = {
  'low-rank': 'rank 16',
  'low-rank-32': 'rank 32',
  full: 'full',
  block: 'blocks of 64',
  diagonal: 'diagonal',
};

export function isBenchForm(rule: string): rule is BenchForm {
  return benchForms.some((form) => form === rule);
}

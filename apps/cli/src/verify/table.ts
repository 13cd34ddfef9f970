/** The theory's checks as text tables (cli-table3), one for each verification. */
import Table from 'cli-table3';
import { errorText } from './groups.js';
import type { CheckGroup } from './groups.js';

/** Borders only, and no lines between rows; colours would end up in files. */
const compact = {
  style: { head: [], border: [] },
  chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
};

/** What failed is spelled out below its table. */
export function checkTable({ title, checks }: CheckGroup): string {
  const table = new Table({ ...compact, colAligns: ['left', 'left', 'left'] });
  for (const { name, error, tolerance, passed } of checks) {
    table.push([
      name,
      `${errorText(error)} ${passed ? '≤' : '>'} ${errorText(tolerance)}`,
      passed ? 'holds' : 'FAILS',
    ]);
  }
  const failures = checks
    .filter(({ passed }) => !passed)
    .map(({ name, compared }) => `FAILS: ${name}: ${compared}.`);
  return [title, table.toString(), ...failures].join('\n');
}

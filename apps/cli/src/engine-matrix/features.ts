/** The table of FEATURES.md that says what was tried on which engine, as data: what the tests hold against real runs. */
import { readFileSync } from 'node:fs';
import { engineNames } from '../engines.js';
import type { EngineName } from '../engines.js';

/**
 * tested: a test of the suite runs it on that engine. works: it was run, no test that always runs covers it. not run: nothing is known.
 * cannot: it does not exist there.
 */
export const statuses = ['tested', 'works', 'not run', 'cannot'] as const;
export type Status = (typeof statuses)[number];

export interface FeatureRow {
  readonly group: string;
  readonly name: string;
  readonly on: Readonly<Record<EngineName, Status>>;
}

const BEGIN = '<!-- engine-matrix -->';
const END = '<!-- /engine-matrix -->';

/** @param file FEATURES.md. @throws Error for a table that is not of the expected form. */
export function readFeatures(file: string | URL): FeatureRow[] {
  const text = readFileSync(file, 'utf8');
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`FEATURES.md has no part between ${BEGIN} and ${END}.`);
  const [head, , ...rows] = text
    .slice(begin + BEGIN.length, end)
    .trim()
    .split('\n')
    .map(cellsOf);
  const engines = head!.slice(2).map((cell) => engineNames.find((name) => cell === `\`${name}\``));
  return rows.map(([group, name, ...cells]) => {
    const on = Object.fromEntries(
      cells.map((cell, i) => {
        const [engine, status] = [engines[i], statuses.find((known) => known === cell)];
        if (engine === undefined || status === undefined)
          throw new Error(
            `FEATURES.md says "${cell}" in the row of "${name}"; expected ${statuses.join(', ')}.`,
          );
        return [engine, status];
      }),
    );
    return { group: group!, name: name!.replaceAll('`', ''), on: on as FeatureRow['on'] };
  });
}

function cellsOf(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

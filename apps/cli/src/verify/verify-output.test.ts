/** The table and the report of checks that were made up, one of which fails. */
import { describe, expect, it } from 'vitest';
import { verifyReport } from '../report/verify-page.js';
import { countText, errorText } from './groups.js';
import { checkTable } from './table.js';

const base = { verification: 'table-1', compared: 'one side with the other', tolerance: 0.01 } as const;
const group = {
  title: 'A <claim>',
  checks: [
    { ...base, name: 'first', error: 0.001, passed: true, note: 'Known for long.' },
    { ...base, name: 'second', error: 0.25, passed: false },
  ],
};

describe('checkTable', () => {
  it('spells out what fails', () => {
    const text = checkTable(group);
    expect(text).toMatch(/first +│ 1\.0e-3 ≤ 1\.0e-2 +│ holds/);
    expect(text).toMatch(/second +│ 2\.5e-1 > 1\.0e-2 +│ FAILS/);
    expect(text).toContain('FAILS: second: one side with the other.');
    expect(text).not.toContain('FAILS: first');
  });
});

describe('verifyReport', () => {
  const html = verifyReport([group], { engine: 'wasm', seed: 1, seconds: 1.25 });

  it('names what fails at the top, and what was compared', () => {
    expect(html).toContain('<p class="failed">Failed: second. See below.</p>');
    expect(html).toContain('<div class="value">1 / 2</div>');
    expect(html).toContain('A &lt;claim&gt;');
    expect(html).toContain('one side with the other. Known for long.');
    expect(html).not.toContain('<figure>');
  });
});

describe('numbers', () => {
  it('are magnitudes', () => {
    expect([0, 1.26e-7, 12, NaN].map(errorText)).toEqual(['0', '1.3e-7', '1.2e1', 'not finite']);
    expect(countText([group])).toBe('1 of 2 checks hold');
  });
});

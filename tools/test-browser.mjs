/**
 * Runs the tests of the package in the current folder in Chromium, as its vitest.browser.config.ts says; further arguments go
 * to vitest. Where no Chromium starts, it says why and leaves a report of one skipped test.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { findChromium } from './chromium.mjs';

const report = join('reports', 'vitest-browser.json');
rmSync(report, { force: true });

const found = await findChromium();
if (found.reason !== undefined) {
  console.log(`SKIPPED, no test has run in a browser: ${found.reason}.`);
  mkdirSync('reports', { recursive: true });
  const skipped = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 1, testResults: [] };
  writeFileSync(report, JSON.stringify({ ...skipped, reason: found.reason }));
  process.exit(0);
}
console.log(`Chromium ${found.version}: ${found.env.APO_CHROMIUM}`);
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', '--config', 'vitest.browser.config.ts', ...process.argv.slice(2)],
  { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...found.env } },
);
process.exit(status ?? 1);

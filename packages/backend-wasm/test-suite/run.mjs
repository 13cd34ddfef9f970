// Runs tfjs-core's own test suite on the stock WASM backend and on ours and compares: no test that passes on stock may fail
// on ours. `npm run test:tfjs-suite -- [--only words,…] [--simd auto,simd,relaxed,off] [--threads N] [--out FOLDER] [--list]`
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleTests, wasmFolder } from './bundle.mjs';
import { compare } from './compare.mjs';
import { runEngine } from './engine-run.mjs';
import { intendedDifferences } from './intended-differences.mjs';

/** Regressions that are printed; the files have all of them. */
const SHOWN = 40;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    simd: { type: 'string', default: 'auto' },
    threads: { type: 'string', default: '1' },
    out: { type: 'string', default: 'reports/tfjs-suite' },
    list: { type: 'boolean', default: false },
  },
});
mkdirSync(values.out, { recursive: true });

const program = await bundleTests();
const settings = { wasmFolder, threads: Number(values.threads), only: values.only.split(',') };
const builds = values.simd.split(',');
const runs = [
  { ...settings, engine: 'stock', simd: 'off' },
  ...builds.map((simd) => ({ ...settings, engine: 'ours', simd })),
];
const [stock, ...ours] = await twoAtATime(runs.map((run) => () => runEngine(program, run)));
write('stock', stock);
console.log(`stock: ${count(stock)}`);
let failed = stock.passed.length === 0;
if (failed) console.error('No test passed on stock; is the word after --only part of a test name?');
for (const [i, simd] of builds.entries()) {
  const first = compare(stock, ours[i], intendedDifferences);
  const results = await repeatLost(runs[i + 1], ours[i], Object.keys(first.regressions));
  const comparison = compare(stock, results, intendedDifferences);
  write(`ours-${simd}`, results);
  write(`comparison-${simd}`, comparison);
  report(simd, results, comparison);
  failed ||= Object.keys(comparison.regressions).length > 0 || comparison.outdated.length > 0;
}
console.log(`Names and reasons: ${values.out}/{stock,ours-*,comparison-*}.json`);
process.exitCode = failed ? 1 : 0;

/** Tests that were lost run once more, by themselves: some of tfjs-core's wait for a timer, and the machine may have been busy. */
async function repeatLost(run, results, lost) {
  if (lost.length === 0) return results;
  const again = new Set((await runEngine(program, { ...run, only: lost })).passed);
  const recovered = lost.filter((name) => again.has(name));
  for (const name of recovered) console.log(`passed the second time only: ${name}: ${results.failed[name]}`);
  return {
    ...results,
    passed: [...results.passed, ...recovered],
    failed: Object.fromEntries(Object.entries(results.failed).filter(([name]) => !recovered.includes(name))),
  };
}

function count({ passed, failed: failures }) {
  return `${passed.length} passed, ${Object.keys(failures).length} failed`;
}

function report(simd, results, { newlyPassing, regressions, intended, outdated }) {
  console.log(`\nours, simd '${simd}', ${values.threads} thread(s): ${count(results)}`);
  console.log(`newly passing: ${newlyPassing.length}`);
  if (values.list) for (const name of newlyPassing) console.log(`  + ${name}`);
  const lost = Object.entries(regressions);
  console.log(`regressions: ${lost.length}`);
  for (const [name, reason] of lost.slice(0, SHOWN)) console.log(`  - ${name}\n      ${reason}`);
  if (lost.length > SHOWN) console.log(`  and ${lost.length - SHOWN} more`);
  console.log(`intended differences: ${intended.length}`);
  for (const name of intended) console.log(`  ${name}\n      ${intendedDifferences[name]}`);
  for (const name of outdated) console.log(`  listed as a difference, but it is none: ${name}`);
}

/** A file is there as a whole or not at all. */
function write(name, content) {
  const path = join(values.out, `${name}.json`);
  writeFileSync(`${path}.part`, `${JSON.stringify(content, null, 2)}\n`);
  renameSync(`${path}.part`, path);
}

/** The results in the order of the tasks. */
async function twoAtATime(tasks) {
  const results = [];
  const entries = tasks.entries();
  const worker = async () => {
    for (const [i, task] of entries) results[i] = await task();
  };
  await Promise.all([worker(), worker()]);
  return results;
}

/**
 * `npm test`: every check of every package through turbo, then one line of totals, which also goes to
 * reports/totals.txt. Tests are counted one by one from vitest's reports, every other check as one.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { turbo } from './turbo.mjs';

const TASKS = [
  'lint',
  'format',
  'typecheck',
  'test',
  'test:page',
  'packaging',
  '//#check-root',
  '//#pack-and-run',
];
/** What the tasks whose tests are counted one by one write into a package's reports/. */
const REPORTS = new Map([
  ['test', 'vitest.json'],
  ['test:page', 'vitest-browser.json'],
]);
/** Tasks that only prepare others. */
const PREPARATION = new Set(['transit', 'build', 'native']);

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const runs = join(root, '.turbo', 'runs');
const totals = join(root, 'reports', 'totals.txt');
rmSync(totals, { force: true });
rmSync(runs, { recursive: true, force: true });
for (const folder of packages()) rmSync(join(folder, 'reports'), { recursive: true, force: true });

const status = turbo([
  'run',
  ...TASKS,
  '--continue=dependencies-successful',
  // As many checks at a time as there are cores: the tests of two packages beside four type-checks run into their time limits.
  '--concurrency=100%',
  '--output-logs=new-only',
  '--summarize',
]);
const { passed, failed, skipped } = count();
const line = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
mkdirSync(dirname(totals), { recursive: true });
writeFileSync(totals, `${line}\n`);
console.log(`Tests and checks: ${line}.`);
process.exit(status !== 0 ? status : failed > 0 ? 1 : 0);

function packages() {
  return ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(root, group)).map((name) => join(root, group, name)),
  );
}

/** From turbo's summary of the run: a replayed task counts like a fresh one, because its report is replayed, too. */
function count() {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  const [file] = existsSync(runs) ? readdirSync(runs) : [];
  if (file === undefined) {
    console.log('failed: turbo did not run');
    return { ...sum, failed: 1 };
  }
  const { tasks } = JSON.parse(readFileSync(join(runs, file), 'utf8'));
  for (const { taskId, task, directory, execution } of tasks) {
    const succeeded = execution?.exitCode === 0;
    const report = REPORTS.get(task);
    if (report !== undefined) addTests(sum, taskId, join(root, directory, 'reports', report), succeeded);
    else if (!succeeded) fail(sum, taskId, 'failed');
    else if (!PREPARATION.has(task)) sum.passed++;
  }
  // Turbo leaves out of its summary what it did not start because something before it failed.
  const started = new Set(tasks.map(({ taskId }) => taskId));
  for (const taskId of expectedTasks()) if (!started.has(taskId)) fail(sum, taskId, 'did not run');
  return sum;
}

function expectedTasks() {
  const perPackage = packages().flatMap((folder) => {
    const { name, scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return TASKS.filter((task) => task in scripts).map((task) => `${name}#${task}`);
  });
  return [...perPackage, ...TASKS.filter((task) => task.startsWith('//#'))];
}

function addTests(sum, taskId, report, succeeded) {
  if (!existsSync(report)) {
    fail(sum, taskId, 'left no report');
    return;
  }
  const { numPassedTests, numFailedTests, numPendingTests, testResults, reason } = JSON.parse(
    readFileSync(report, 'utf8'),
  );
  if (reason !== undefined) console.log(`skipped: ${taskId} ${reason}`);
  sum.passed += numPassedTests;
  sum.failed += numFailedTests;
  sum.skipped += numPendingTests;
  for (const { assertionResults } of testResults) {
    for (const { status, fullName, failureMessages = [] } of assertionResults) {
      if (status === 'failed')
        console.log(`failed: ${taskId} ${fullName}: ${failureMessages[0]?.split('\n')[0]}`);
    }
  }
  // A file that does not load has no tests that could fail.
  const unloaded = testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  for (const { name, message } of unloaded)
    fail(sum, taskId, `${name} does not load: ${message.split('\n')[0]}`);
  if (!succeeded && numFailedTests === 0 && unloaded.length === 0)
    fail(sum, taskId, 'failed outside its tests');
}

function fail(sum, taskId, why) {
  sum.failed++;
  console.log(`failed: ${taskId} ${why}`);
}

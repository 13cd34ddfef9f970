// Runs the bundle in a child process for one engine. A test that blocks or ends the process is recorded as failed, and the
// rest goes on in a new process.
import { fork } from 'node:child_process';

/** Without a word for this long the child is taken for blocked. Its own limit for an asynchronous test is shorter. */
const SILENCE_MS = 60_000;

/**
 * @param {string} program Path of the bundle.
 * @param {import('./engine-run.mjs').EngineRunSettings} settings
 * @returns Names in the order of the tests; failed tests with the reason.
 */
export async function runEngine(program, { silenceMs = SILENCE_MS, ...settings }) {
  const results = new Map();
  const suites = {};
  for (;;) {
    const { finished, current, end } = await runProcess(
      program,
      { ...settings, skip: [...results.keys()] },
      silenceMs,
      results,
      suites,
    );
    if (finished) return collect(results, suites);
    if (current === undefined)
      throw new Error(`The child process for '${settings.engine}' ended before its first test: ${end}.`);
    results.set(current.id, { name: current.name, status: 'failed', reason: end });
  }
}

function runProcess(program, settings, silenceMs, results, suites) {
  return new Promise((resolve, reject) => {
    const child = fork(program, [], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let current;
    let finished = false;
    let words = '';
    let silent = false;
    let timer;
    const listen = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        silent = true;
        child.kill('SIGKILL');
      }, silenceMs);
    };
    listen();
    child.stderr.on('data', (chunk) => (words = (words + chunk).slice(-2000)));
    child.on('error', reject);
    child.on('message', (message) => {
      listen();
      if (message.type === 'ready') child.send(settings);
      else if (message.type === 'started') current = message;
      else if (message.type === 'finished') finished = true;
      else if (message.type === 'suite-failed') suites[message.name] = message.reason;
      else {
        results.set(message.id, message);
        current = undefined;
      }
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const how = silent
        ? `no result after ${silenceMs / 1000} s`
        : `process ended with ${signal ?? `exit code ${code}`}`;
      const last = words.trim().split('\n').at(-1);
      resolve({ finished, current, end: silent || !last ? how : `${how}: ${last}` });
    });
  });
}

function collect(results, suites) {
  const passed = [];
  const failed = {};
  let pending = 0;
  const seen = new Map();
  for (const { name, status, reason } of results.values()) {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    const unique = count === 1 ? name : `${name} (${count})`;
    if (status === 'passed') passed.push(unique);
    else if (status === 'failed') failed[unique] = reason;
    else pending += 1;
  }
  for (const [name, reason] of Object.entries(suites)) failed[`${name} [set-up or tear-down]`] = reason;
  return { passed, failed, pending };
}

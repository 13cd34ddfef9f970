/** Threads seen from outside: a program that uses them, in a process of its own, ends by itself and on demand. */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Under node_modules, so that the program finds TensorFlow.js and nobody else finds the program. */
const folder = join(root, 'node_modules', '.cache', 'threads-process');

/** Trains on two threads, so that workers have run and are asleep when the rest begins. */
const TRAIN = `
import * as tf from '@tensorflow/tfjs-core';
import { wasmBackend } from '${join(root, 'src/index.ts')}';
const info = await wasmBackend({ threads: 2 }).activate();
const x = tf.ones([64, 200]);
const w = tf.variable(tf.ones([200, 200]));
const optimizer = tf.train.sgd(0.001);
for (let step = 0; step < 5; step++) optimizer.minimize(() => tf.mean(tf.square(tf.matMul(x, w))));
console.log('threads', info.threads, 'loss finite', Number.isFinite(w.dataSync()[0]));
`;

const PROGRAMS = {
  natural: TRAIN,
  exit: `${TRAIN}\nprocess.exit(3);`,
  uncaught: `${TRAIN}\nthrow new Error('on purpose');`,
  removed: `${TRAIN}\ntf.removeBackend('wasm');`,
  // The event loop is alive for a while: the workers neither end early nor hold it afterwards.
  timer: `${TRAIN}\nawait new Promise((resolve) => setTimeout(resolve, 100));
console.log('still right', tf.sum(tf.matMul(tf.ones([64, 200]), tf.ones([200, 200]))).dataSync()[0]);`,
} as const;

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  for (const [name, contents] of Object.entries(PROGRAMS)) {
    await build({
      stdin: { contents, resolveDir: root, loader: 'js' },
      outfile: join(folder, `${name}.mjs`),
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      conditions: ['@apo/source'],
      external: ['@tensorflow/*'],
      logLevel: 'error',
    });
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Killed after half a minute, and the test fails then: a program that does not end by itself is what is looked for. */
async function run(name: keyof typeof PROGRAMS): Promise<{ code: number | string; output: string }> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, `${name}.mjs`)], {
      timeout: 30_000,
    });
    return { code: 0, output: stdout };
  } catch (error) {
    const { code, signal, stdout, stderr } = error as {
      code: number | null;
      signal: string | null;
      stdout: string;
      stderr: string;
    };
    return { code: code ?? signal ?? 'unknown', output: stdout + stderr };
  }
}

describe('a process with threads', () => {
  it('ends by itself', async () => {
    expect(await run('natural')).toEqual({
      code: 0,
      output: expect.stringMatching(/^threads 2 loss finite true$/m) as string,
    });
  });

  it('ends with the code of process.exit', async () => {
    expect(await run('exit')).toEqual({ code: 3, output: expect.stringContaining('threads 2') as string });
  });

  it('ends with an error that nobody caught', async () => {
    // tfjs-wasm listens for such errors and throws them again; 7 is what Node returns then, with or without threads.
    expect(await run('uncaught')).toEqual({
      code: 7,
      output: expect.stringContaining('on purpose') as string,
    });
  });

  it('ends after the backend was removed', async () => {
    expect(await run('removed')).toEqual({ code: 0, output: expect.stringContaining('threads 2') as string });
  });

  it('goes on while something else keeps it alive', async () => {
    // 64·200 elements of 200 ones each.
    expect((await run('timer')).output).toMatch(/still right 2560000$/m);
  });
});

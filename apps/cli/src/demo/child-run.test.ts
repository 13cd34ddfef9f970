import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inFolder } from '../testing/test-io.js';
import { childRun } from './child-run.js';

/** Runs a program of a few lines in the place of ours and collects what it tells. */
function run(source: string): Promise<{ end: string; progress: unknown[]; notes: string[] }> {
  return inFolder(async (folder) => {
    const script = join(folder, 'stand-in.mjs');
    writeFileSync(script, source);
    const progress: unknown[] = [];
    const notes: string[] = [];
    const end = await childRun(script)(['digits', '--seed', '1'], {
      onProgress: (state) => progress.push(state),
      onNote: (text) => notes.push(text),
    });
    return { end, progress, notes };
  });
}

describe('childRun', () => {
  it('hands arguments on and reads progress and notes', async () => {
    const { end, progress, notes } = await run(`
      console.error(JSON.stringify({ note: process.argv.slice(2).join(' ') }));
      console.error('a line of some library');
      console.error(JSON.stringify({ step: 1, steps: 2, loss: 0.5 }));
    `);
    expect(end).toBe('finished');
    expect(notes).toEqual(['run digits --seed 1 --progress json --json']);
    expect(progress).toEqual([{ step: 1, steps: 2, loss: 0.5 }]);
  });

  it('tells a run that diverged and an interrupted one from a broken one', async () => {
    const failed = `console.error('apo: the run failed: The loss became NaN at step 3.'); process.exitCode = 1;`;
    expect((await run(failed)).end).toBe('failed');
    expect((await run('process.exitCode = 130;')).end).toBe('interrupted');
    await expect(run(`console.error('apo: no data'); process.exitCode = 1;`)).rejects.toThrow(
      'apo run digits --seed 1 ended with exit code 1: apo: no data',
    );
    await expect(run(`process.kill(process.pid, 'SIGKILL'); setTimeout(() => {}, 10_000);`)).rejects.toThrow(
      'ended with signal SIGKILL',
    );
  });
});

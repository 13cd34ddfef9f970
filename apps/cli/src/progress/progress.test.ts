import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Io, Output } from '../io.js';
import { createProgress } from './progress.js';
import type { ProgressState } from './state.js';
import { createRunsProgress } from './runs-progress.js';

const state = (step: number): ProgressState => ({
  step,
  steps: 100,
  loss: 0.25,
  learningRate: 0.02,
  testAccuracy: 0.9,
  stepsPerSecond: 12.345,
  secondsLeft: 61,
});

function terminal(isTTY: boolean): { io: Io; written: () => string } {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 120 });
  const chunks: string[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
  const stderr: Output = stream;
  const io: Io = { stdout: stderr, stderr, environment: {}, script: '', onInterrupt: () => () => undefined };
  return { io, written: () => chunks.join('') };
}

/** Lets `performance.now` say what the test wants. */
function clock(): (milliseconds: number) => void {
  const now = vi.spyOn(performance, 'now').mockReturnValue(0);
  return (milliseconds) => void now.mockReturnValue(milliseconds);
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('createProgress', () => {
  it('writes a line every four seconds and the last one where there is no terminal', () => {
    const at = clock();
    const { io, written } = terminal(false);
    const progress = createProgress('auto', io);
    for (let step = 1; step <= 10; step++) {
      at(step * 1000);
      progress.update(state(step));
    }
    progress.note('a warning');
    progress.stop();
    const text = 'loss 0.25  accuracy 90.00 %  lr 0.02  12.3 steps/s  1 min 01 s left';
    expect(written()).toBe(
      `step 1/100  ${text}\nstep 5/100  ${text}\nstep 9/100  ${text}\na warning\nstep 10/100  ${text}\n`,
    );
  });

  it('writes objects for programs', () => {
    const { io, written } = terminal(true);
    const progress = createProgress('json', io);
    progress.update(state(1));
    progress.note('a warning');
    progress.stop();
    expect(
      written()
        .trim()
        .split('\n')
        .map((line): unknown => JSON.parse(line)),
    ).toEqual([state(1), { note: 'a warning' }]);
  });

  it('keeps only notes when it is none', () => {
    const { io, written } = terminal(true);
    const progress = createProgress('none', io);
    progress.update(state(1));
    progress.note('a warning');
    progress.detail('a table');
    progress.stop();
    expect(written()).toBe('a warning\n');
  });

  it('draws a bar on a terminal', () => {
    const { io, written } = terminal(true);
    const progress = createProgress('auto', io);
    progress.update(state(1));
    progress.update(state(50));
    progress.stop();
    expect(written()).toContain('50 %  step 50/100  loss 0.25  accuracy 90.00 %');
  });
});

describe('createRunsProgress', () => {
  it('names each run, every five seconds and at its last step', () => {
    const at = clock();
    const { io, written } = terminal(false);
    const progress = createRunsProgress(io, ['one', 'three']);
    for (const [time, name, step] of [
      [0, 'one', 1],
      [1000, 'three', 1],
      [4000, 'one', 50],
      [6000, 'three', 60],
      [6500, 'three', 100],
    ] as const) {
      at(time);
      progress.update(name, state(step));
    }
    progress.stop();
    expect(written().match(/^\w+ +step \d+/gm)).toEqual([
      'one    step 1',
      'three  step 1',
      'three  step 60',
      'three  step 100',
    ]);
  });

  it('has a bar a run on a terminal', () => {
    const { io, written } = terminal(true);
    const progress = createRunsProgress(io, ['one', 'three']);
    progress.update('one', state(10));
    progress.update('three', state(20));
    progress.stop();
    expect(written()).toMatch(/one {4}\S+ 10 %/);
    expect(written()).toMatch(/three {2}\S+ 20 %/);
  });
});

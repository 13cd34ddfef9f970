/** The main job: fixed rates beside rates that tune themselves, several runs at a time, each in a process of its own. */
import { join } from 'node:path';
import { ApoError } from '@apo/core';
import type { EngineName } from '../engines.js';
import type { OptimizerName } from '../optimizers/names.js';
import type { ProgressState } from '../progress/state.js';
import type { RunChild } from './child-run.js';

export interface DemoRun {
  /** What tells it apart in the table and the charts. */
  readonly name: string;
  readonly optimizer: OptimizerName;
  readonly learningRate: number;
  /** Below the demo's directory. */
  readonly folder: string;
}

/** A usual rate for RMSprop, and for SGD one that is a thousand times too small. */
export const demoRuns: readonly DemoRun[] = [
  { name: 'RMSprop, fixed 1e-3', optimizer: 'rmsprop', learningRate: 1e-3, folder: 'rmsprop' },
  { name: 'RMSprop-APO', optimizer: 'rmsprop-apo', learningRate: 1e-3, folder: 'rmsprop-apo' },
  { name: 'SGD, fixed 1e-4', optimizer: 'sgd', learningRate: 1e-4, folder: 'sgd' },
  { name: 'SGD-APO from 1e-4', optimizer: 'sgd-apo', learningRate: 1e-4, folder: 'sgd-apo' },
];

export interface DemoOptions {
  readonly task: string;
  readonly steps: number | undefined;
  readonly seed: number;
  readonly engine: EngineName | undefined;
  readonly threads: number;
  readonly directory: string;
  /** Runs at the same time. */
  readonly concurrency: number;
}

export interface DemoListener {
  readonly onProgress: (name: string, state: ProgressState) => void;
  readonly onNote: (text: string) => void;
}

/** Makes all runs; rejects with the first that could not be made, after those under way have ended. */
export async function makeRuns(
  { task, steps, seed, engine, threads, directory, concurrency }: DemoOptions,
  runChild: RunChild,
  listener: DemoListener,
): Promise<'finished' | 'interrupted'> {
  const waiting = [...demoRuns];
  const errors: unknown[] = [];
  const ends: ('finished' | 'failed' | 'interrupted')[] = [];
  const worker = async (): Promise<void> => {
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) {
      const { name, optimizer, learningRate, folder } = run;
      const args = [
        task,
        ...['--optimizer', optimizer, '--learning-rate', String(learningRate), '--seed', String(seed)],
        ...(steps === undefined ? ['--epochs', '1'] : ['--steps', String(steps)]),
        ...(engine === undefined ? [] : ['--engine', engine]),
        ...[
          '--threads',
          String(threads),
          '--evaluate-every',
          '200',
          '--log-every',
          '2',
          '--out',
          join(directory, folder),
        ],
      ];
      try {
        const end = await runChild(args, {
          onProgress: (state) => listener.onProgress(name, state),
          onNote: (text) => listener.onNote(`${name}: ${text}`),
        });
        ends.push(end);
      } catch (error) {
        errors.push(error);
      }
      if (ends.includes('interrupted') || errors.length > 0) waiting.length = 0;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  if (errors.length > 0) {
    throw errors[0] instanceof Error ? errors[0] : new ApoError('BACKEND_UNAVAILABLE', String(errors[0]));
  }
  return ends.includes('interrupted') ? 'interrupted' : 'finished';
}

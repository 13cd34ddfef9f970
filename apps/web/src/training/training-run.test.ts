import { signal } from '@preact/signals';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { EngineReport } from '../worker/engine-report.js';
import type { Failure } from '../worker/failure.js';
import type { StartedRun, TrainingEvent } from './contract.js';
import { TrainingRun } from './training-run.js';

interface Settings {
  readonly engine: 'auto' | 'webgpu' | 'wasm';
  readonly rate: number;
}
interface Progress {
  readonly type: 'progress';
  readonly step: number;
}

const GPU: EngineReport = { engine: 'webgpu', threads: 1, hardware: '', why: '', warning: '' };
const settings: Settings = { engine: 'auto', rate: 1 };

/** A run whose worker is this test: `answers` holds the starts that wait, `said` what the worker was told. */
function open() {
  const answers: { resolve: (started: StartedRun) => void; reject: (error: Error) => void }[] = [];
  const said: string[] = [];
  const failure = signal<Failure | undefined>();
  let hear!: (event: TrainingEvent<Progress>) => void;
  const run = new TrainingRun<Settings, StartedRun, Progress, readonly number[]>({
    open(listener) {
      hear = listener;
      return {
        failure,
        start(asked) {
          said.push(`start ${asked.engine} ${asked.rate}`);
          return new Promise((resolve, reject) => answers.push({ resolve, reject }));
        },
        tell(name) {
          said.push(name);
          return Promise.resolve();
        },
        restart() {
          said.push('restart');
          failure.value = undefined;
        },
      };
    },
    workerOf: ({ engine }) => engine,
    empty: [],
    add: (record, { step }) => [...record, step],
  });
  const begun = async (asked = settings): Promise<void> => {
    run.start(asked);
    answers.at(-1)!.resolve({ engine: GPU });
    await Promise.resolve();
  };
  return { run, said, answers, failure, begun, hear: (event: TrainingEvent<Progress>) => hear(event) };
}

const step = (at: number): Progress => ({ type: 'progress', step: at });
const lost = { type: 'lost', message: 'The GPU device was lost.' } as const;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('hears of a run from its start to its end', async () => {
  const { run, begun, hear } = open();
  expect(run.phase.value).toBe('idle');
  await begun();
  expect(run.phase.value).toBe('running');
  hear(step(1));
  hear(step(2));
  hear({ type: 'finished' });
  expect(run.record.value).toEqual([1, 2]);
  expect(run.phase.value).toBe('finished');
});

test('a run that ends while it is being paused is over, not paused for ever', async () => {
  const { run, begun, hear } = open();
  await begun();
  run.pause();
  hear(step(9));
  hear({ type: 'finished' });
  expect(run.record.value).toEqual([9]);
  expect(run.phase.value).toBe('finished');
});

test('what a run that was reset still says is not heard, nor is the answer to its start', async () => {
  const { run, answers, hear, said } = open();
  run.start(settings);
  run.reset();
  answers[0]!.resolve({ engine: GPU });
  await Promise.resolve();
  hear(step(1));
  expect(run.phase.value).toBe('idle');
  expect(run.record.value).toEqual([]);
  expect(said).toEqual(['start auto 1', 'stop']);
});

test('a start that is refused is a failure; the next one begins without it', async () => {
  const { run, answers, begun } = open();
  run.start(settings);
  answers[0]!.reject(new Error('no data'));
  await Promise.resolve();
  await Promise.resolve();
  expect([run.phase.value, run.failure.value?.message]).toEqual(['failed', 'no data']);
  await begun();
  expect([run.phase.value, run.failure.value]).toEqual(['running', undefined]);
});

test('a worker that died is replaced by the next start, and so is one for another engine', async () => {
  const { run, failure, begun, said } = open();
  await begun();
  failure.value = { name: 'Error', message: 'gone' };
  expect(run.phase.value).toBe('failed');
  await begun();
  await begun({ ...settings, rate: 2 });
  await begun({ engine: 'wasm', rate: 2 });
  expect(said).toEqual([
    'start auto 1',
    'restart',
    'start auto 1',
    'start auto 2',
    'restart',
    'start wasm 2',
  ]);
});

test('a GPU that is lost in a run: the same run on WASM in a fresh worker, still as the reader asked for it', async () => {
  const { run, begun, said, hear, answers } = open();
  await begun();
  hear(step(1));
  hear(lost);
  expect(run.lost.value).toBe(lost.message);
  expect([run.phase.value, run.record.value]).toEqual(['loading', []]);
  expect(said).toEqual(['start auto 1', 'restart', 'start wasm 1']);
  answers.at(-1)!.resolve({ engine: { ...GPU, engine: 'wasm' } });
  await Promise.resolve();
  expect(run.asked.value).toEqual(settings);
  expect(run.settings.value).toEqual({ ...settings, engine: 'wasm' });
  run.start(settings);
  expect(run.lost.value).toBeUndefined();
});

test('an error that comes of a lost GPU, and before the word of it, is not the end', async () => {
  const { run, begun, said, hear, failure } = open();
  await begun();
  failure.value = { name: 'Error', message: 'Buffer was unmapped.' };
  expect(run.phase.value).toBe('failed');
  hear(lost);
  expect([run.phase.value, run.failure.value]).toEqual(['loading', undefined]);
  expect(said).toEqual(['start auto 1', 'restart', 'start wasm 1']);
});

test('a GPU that is lost after the run leaves what was found, and the next run takes a fresh worker', async () => {
  const { run, begun, said, hear } = open();
  await begun();
  hear(step(1));
  hear({ type: 'finished' });
  hear(lost);
  expect([run.phase.value, run.record.value]).toEqual(['finished', [1]]);
  await begun();
  expect(said).toEqual(['start auto 1', 'restart', 'start auto 1']);
});

test('follows the settings once they rest, but not after a reset', async () => {
  const { run, begun, said } = open();
  const current = signal(settings);
  run.follow(current, (one, other) => one.rate === other.rate, 300);
  current.value = { ...settings, rate: 2 };
  vi.advanceTimersByTime(1000);
  expect(said).toEqual([]);

  await begun(current.value);
  current.value = { ...settings, rate: 3 };
  vi.advanceTimersByTime(200);
  current.value = { ...settings, rate: 4 };
  vi.advanceTimersByTime(200);
  expect(said).toEqual(['start auto 2']);
  vi.advanceTimersByTime(100);
  expect(said).toEqual(['start auto 2', 'start auto 4']);

  current.value = { ...settings, rate: 5 };
  run.reset();
  vi.advanceTimersByTime(1000);
  expect(said.slice(2)).toEqual(['stop']);
  expect(run.phase.value).toBe('idle');
});

import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import type { EngineReport } from '../../worker/engine-report.js';
import type { MnistEvent, Progress } from './contract.js';
import { EVALUATE_EVERY, MnistSession } from './session.js';
import { codec } from './settings.js';
import type { MnistSettings } from './settings.js';
import { bars } from './testing.js';

const ENGINE: EngineReport = { engine: 'wasm', threads: 1, hardware: '', why: '', warning: '' };
const small: MnistSettings = { ...codec.defaults, model: 'mlp-32', batch: 10, steps: 40 };
const data = { train: bars(60, 1), test: bars(20, 2) };

function session(loadData = () => Promise.resolve(data)) {
  const events: MnistEvent[] = [];
  const failures: unknown[] = [];
  const waiting: (() => void)[] = [];
  const made = new MnistSession({
    startEngine: () => Promise.resolve(ENGINE),
    loadData,
    send(event) {
      events.push(event);
      waiting.splice(0).forEach((wake) => wake());
    },
    fail: (error) => failures.push(error),
  });
  const until = async (passes: () => boolean): Promise<void> => {
    while (!passes()) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const start = (settings: MnistSettings) => made.start({ settings, dataUrl: '' });
  const progress = (): Progress[] => events.filter((event) => event.type === 'progress');
  const finished = (): boolean => events.at(-1)?.type === 'finished';
  return { made, events, failures, until, start, progress, finished };
}

test('reports every step once, evaluates where it should, and says when it is done', async () => {
  const before = tf.memory().numTensors;
  const { made, until, start, progress, finished, failures } = session();
  const { engine, parameters, test: images } = await start(small);
  expect(engine).toEqual(ENGINE);
  expect(parameters).toBe(784 * 32 + 32 + 32 * 10 + 10);
  expect(images.labels).toHaveLength(20);
  await until(finished);
  const reports = progress();
  expect(reports.flatMap(({ losses }) => losses.fixed)).toHaveLength(40);
  expect(reports.flatMap(({ losses }) => losses.tuned)).toHaveLength(40);
  expect(reports.at(-1)!.step).toBe(40);
  const evaluated = reports.flatMap(({ evaluation }) => evaluation?.step ?? []);
  expect(evaluated).toEqual([0, EVALUATE_EVERY, 40]);
  expect(failures).toEqual([]);
  expect(await made.stop()).toBe(before);
});

test('a paused run stands still and can be asked; it goes on where it was', async () => {
  const { made, until, start, progress, finished } = session();
  await start(small);
  await until(() => progress().some(({ step }) => step > 2));
  made.pause();
  const { fixed } = await made.classify(data.test.inputs.subarray(0, 784));
  expect(fixed.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
  // What is under way is finished first, however long that takes here. Without a pause the run would come to its end.
  let held = -1;
  while (held !== progress().at(-1)!.step) {
    held = progress().at(-1)!.step;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  expect(held).toBeLessThan(40);
  made.resume();
  await until(finished);
  expect(progress().flatMap(({ losses }) => losses.tuned)).toHaveLength(40);
  await made.stop();
});

test('starts and stops in any order leave one run, and then nothing', async () => {
  const before = tf.memory().numTensors;
  const { made, until, start, events, finished, failures } = session();
  const first = start(small);
  const second = start({ ...small, seed: 1 });
  const stopped = made.stop();
  const third = start({ ...small, seed: 2, steps: 10 });
  await Promise.all([first, second, stopped, third]);
  await until(finished);
  expect(events.filter(({ type }) => type === 'finished')).toHaveLength(1);
  expect(failures).toEqual([]);
  expect(await made.stop()).toBe(before);
  expect(await made.stop()).toBe(before);
});

test('data that cannot be had refuses the start, and the next one works', async () => {
  let broken = true;
  const { made, start, until, finished } = session(() =>
    broken ? Promise.reject(new Error('no data')) : Promise.resolve(data),
  );
  await expect(start(small)).rejects.toThrow('no data');
  expect(() => made.classify(new Uint8Array(784))).toThrow('There is no network yet');
  broken = false;
  await start({ ...small, steps: 10 });
  await until(finished);
  await made.stop();
});

test('an error in the middle of a run is told', async () => {
  const { made, until, start, progress, failures } = session();
  await start({ ...small, steps: 5000 });
  await until(() => progress().length > 1);
  // Somebody takes the tensors away.
  tf.disposeVariables();
  for (let turn = 0; turn < 3000 && failures.length === 0; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(failures).toHaveLength(1);
  expect(failures[0]).toBeInstanceOf(Error);
  await made.stop();
});

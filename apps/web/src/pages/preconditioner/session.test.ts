import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import type { PreconditionerEvent, Progress } from './contract.js';
import { LOOK_EVERY, PreconditionerSession } from './session.js';
import { codec } from './settings.js';
import type { RunSettings } from './settings.js';
import { useWasm } from './testing/engine.js';
import { digitImages } from './testing/images.js';

beforeAll(useWasm);

const data = digitImages(120, 60);
const ENGINE = { engine: 'wasm', threads: 1, hardware: '', why: '', warning: '' } as const;
const settings: RunSettings = { ...codec.defaults, batch: 20, steps: 25 };
const request = { settings, dataUrl: 'unused/', layer: 2 };

function open() {
  const events: PreconditionerEvent[] = [];
  const failures: unknown[] = [];
  let heard = (): void => undefined;
  const session = new PreconditionerSession({
    startEngine: async () => ENGINE,
    loadData: async () => data,
    send(event) {
      events.push(event);
      heard();
    },
    fail: (error) => failures.push(error),
  });
  return {
    session,
    events,
    failures,
    progress: () => events.filter((event): event is Progress => event.type === 'progress'),
    /** Resolves once an event passes. */
    until: (passes: (event: PreconditionerEvent) => boolean): Promise<void> =>
      new Promise((resolve) => {
        heard = () => {
          if (events.some(passes)) resolve();
        };
        heard();
      }),
  };
}

it('reports every step once, pictures at every look and at the end, and matrices of the layer that is watched', async () => {
  const { session, progress, until, failures } = open();
  const { engine, examples } = await session.start(request);
  expect(engine).toBe(ENGINE);
  expect(examples).toHaveLength(1960);
  await until(({ type }) => type === 'finished');
  const reports = progress();
  expect(reports.at(-1)!.step).toBe(25);
  for (const name of ['momentum', 'kfac', 'apo'] as const) {
    expect(reports.flatMap(({ losses }) => losses[name])).toHaveLength(25);
  }
  const looks = reports.flatMap(({ pictures }) => pictures?.step ?? []);
  expect(looks).toEqual([0, LOOK_EVERY, 25]);
  expect(reports[0]!.rate).toBe(0);
  expect(reports.at(-1)!.rate).toBeGreaterThan(0);
  const matrices = reports.at(-1)!.matrices!;
  expect(matrices).toMatchObject({ layer: 2, step: 25 });
  expect(failures).toEqual([]);
  // Another layer, after the end.
  expect(await session.watch(4)).toMatchObject({ layer: 4, step: 25 });
  // A layer that the network does not have: its last one.
  expect(await session.watch(8)).toMatchObject({ layer: 4 });
  await session.stop();
});

it('stands still while paused, and goes on', async () => {
  const { session, progress, until } = open();
  await session.start(request);
  await until((event) => event.type === 'progress' && event.step >= 3);
  session.pause();
  // What is under way is finished first, however long that takes here. Without a pause the run would come to its end.
  let paused = 0;
  while (paused !== progress().at(-1)!.step) {
    paused = progress().at(-1)!.step;
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
  expect(paused).toBeLessThan(25);
  session.resume();
  await until(({ type }) => type === 'finished');
  await session.stop();
});

it('frees everything over ten resets, also in the middle of a run and while paused', async () => {
  const { session, until } = open();
  await session.start(request);
  const before = await session.stop();
  for (let i = 0; i < 10; i++) {
    await session.start({ ...request, settings: { ...settings, seed: i } });
    if (i % 3 === 0) await until((event) => event.type === 'progress' && event.step >= 1);
    if (i % 3 === 1) session.pause();
    expect(await session.stop()).toBe(before);
  }
  expect(tf.memory().numTensors).toBe(before);
  expect(await session.watch(1)).toBeNull();
});

it('a second start ends the first run', async () => {
  const { session, events, progress, until } = open();
  await Promise.all([
    session.start(request),
    session.start({ ...request, settings: { ...settings, steps: 12 } }),
  ]);
  await until(({ type }) => type === 'finished');
  expect(progress().at(-1)!.step).toBe(12);
  expect(events.filter(({ type }) => type === 'finished')).toHaveLength(1);
  await session.stop();
});

it('can be stopped before anything was started, when there is no engine to ask', async () => {
  expect(await open().session.stop()).toBe(0);
});

it('a start that is refused leaves the session usable', async () => {
  const { session, until } = open();
  const wrong = { ...request, settings: { ...settings, batch: 1000 } };
  await expect(session.start(wrong)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  await session.start({ ...request, settings: { ...settings, steps: 10 } });
  await until(({ type }) => type === 'finished');
  await session.stop();
});

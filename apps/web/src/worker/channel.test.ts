import { ApoError } from '@apo/core';
import { effect } from '@preact/signals';
import { afterEach, expect, test, vi } from 'vitest';
import { openChannel } from './channel.js';
import { failureOf, WorkerError } from './failure.js';
import { serve } from './serve.js';
import type { Handlers, Served } from './serve.js';

interface Sums {
  readonly calls: {
    readonly add: (numbers: readonly number[]) => number;
    readonly wait: (argument: null) => Promise<void>;
    readonly refuse: (argument: null) => void;
    readonly length: (bytes: Uint8Array) => number;
  };
  readonly event: { readonly type: 'tick'; readonly at: number };
}

const ports: MessagePort[] = [];
afterEach(() => ports.splice(0).forEach((port) => port.close()));

const handlers: Handlers<Sums> = {
  add: (numbers) => numbers.reduce((sum, value) => sum + value, 0),
  wait: () => new Promise(() => undefined),
  refuse: () => {
    throw new ApoError('DATA_UNAVAILABLE', 'no data', { cause: new TypeError('no network') });
  },
  length: ({ length }) => length,
};

/** As a page sees a worker: structured clones both ways, and an end to it. */
function workers() {
  const served: Served<Sums>[] = [];
  const made: Worker[] = [];
  const create = (): Worker => {
    const { port1, port2 } = new MessageChannel();
    ports.push(port1, port2);
    served.push(serve<Sums>(handlers, port2));
    port2.start();
    const worker = new EventTarget() as Worker;
    worker.postMessage = port1.postMessage.bind(port1) as Worker['postMessage'];
    worker.terminate = vi.fn(() => port1.close());
    port1.onmessage = ({ data }) =>
      worker.dispatchEvent(new MessageEvent('message', { data: data as unknown }));
    made.push(worker);
    return worker;
  };
  return { create, served, made };
}

test('answers calls, each with its own answer', async () => {
  const channel = openChannel<Sums>(workers().create, () => undefined);
  const sums = await Promise.all([
    channel.call('add', [1, 2]),
    channel.call('add', [3, 4]),
    channel.call('add', []),
  ]);
  expect(sums).toEqual([3, 7, 0]);
  const bytes = new Uint8Array(5);
  expect(await channel.call('length', bytes, [bytes.buffer])).toBe(5);
  expect(bytes.length).toBe(0);
});

test('an error keeps its code, its message and its cause', async () => {
  const channel = openChannel<Sums>(workers().create, () => undefined);
  const error = await channel.call('refuse', null).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(WorkerError);
  expect((error as WorkerError).failure).toEqual({
    name: 'ApoError',
    code: 'DATA_UNAVAILABLE',
    message: 'no data',
    cause: { name: 'TypeError', message: 'no network' },
  });
  expect((error as WorkerError).message).toBe('no data');
  expect(channel.failure.value).toBeUndefined();
  expect(await channel.call('add', [1])).toBe(1);
});

test('events are heard, in order', async () => {
  const { create, served } = workers();
  const heard: number[] = [];
  const channel = openChannel<Sums>(create, ({ at }) => heard.push(at));
  served[0]!.send({ type: 'tick', at: 1 });
  served[0]!.send({ type: 'tick', at: 2 });
  await channel.call('add', []);
  expect(heard).toEqual([1, 2]);
});

test('a call that nobody handles is refused', async () => {
  const channel = openChannel<Sums>(workers().create, () => undefined);
  await expect(channel.call('toString' as 'add', [])).rejects.toThrow('The worker has no call "toString".');
});

test('a worker that reports its end rejects what waits and what comes, until it is replaced', async () => {
  const { create, served } = workers();
  const channel = openChannel<Sums>(create, () => undefined);
  const waiting = channel.call('wait', null);
  served[0]!.fail(new RangeError('out of it'));
  await expect(waiting).rejects.toThrow('out of it');
  expect(channel.failure.value).toEqual({ name: 'RangeError', message: 'out of it' });
  await expect(channel.call('add', [1])).rejects.toThrow('out of it');
  channel.restart();
  expect(channel.failure.value).toBeUndefined();
  expect(await channel.call('add', [2, 2])).toBe(4);
});

test.each([
  ['an error of its own', Object.assign(new Event('error'), { message: 'Uncaught boom' }), 'Uncaught boom'],
  ['a script that does not load', new Event('error'), 'its script did not load'],
])('%s is a failure', async (_, event, message) => {
  const { create, made } = workers();
  const channel = openChannel<Sums>(create, () => undefined);
  const waiting = channel.call('wait', null);
  made[0]!.dispatchEvent(event);
  await expect(waiting).rejects.toThrow(`The worker stopped: ${message}.`);
});

test('what a replaced worker still says is not heard', async () => {
  const { create, served, made } = workers();
  const heard: number[] = [];
  const channel = openChannel<Sums>(create, ({ at }) => heard.push(at));
  const waiting = channel.call('wait', null);
  made[0]!.terminate = () => undefined;
  channel.restart();
  await expect(waiting).rejects.toThrow('started afresh');
  served[0]!.send({ type: 'tick', at: 1 });
  served[1]!.send({ type: 'tick', at: 2 });
  await channel.call('add', []);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(heard).toEqual([2]);
  channel.close();
  expect(made[1]!.terminate).toHaveBeenCalledOnce();
});

test('who calls when the failure is gone is answered by the fresh worker', async () => {
  const { create, served } = workers();
  const channel = openChannel<Sums>(create, () => undefined);
  const waiting = channel.call('wait', null);
  served[0]!.fail(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
  let answer: Promise<number> | undefined;
  const stop = effect(() => {
    if (channel.failure.value === undefined) answer = channel.call('add', [20, 22]);
  });
  channel.restart();
  expect(await answer).toBe(42);
  stop();
});

test('an effect that calls does not call again when the worker fails', async () => {
  const { create, served } = workers();
  const channel = openChannel<Sums>(create, () => undefined);
  let runs = 0;
  let answer: Promise<number> | undefined;
  const stop = effect(() => {
    runs++;
    answer = channel.call('add', [1]);
  });
  expect(await answer).toBe(1);
  const waiting = channel.call('wait', null);
  served[0]!.fail(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
  expect(runs).toBe(1);
  stop();
});

test('an argument that cannot be sent rejects its call alone', async () => {
  const channel = openChannel<Sums>(workers().create, () => undefined);
  await expect(channel.call('add', [(() => 1) as unknown as number])).rejects.toThrow('could not be cloned');
  expect(await channel.call('add', [1, 1])).toBe(2);
});

test('what is no Error becomes one, and an endless chain of causes an end', () => {
  expect(failureOf('just words')).toEqual({ name: 'Error', message: 'just words' });
  const loop = new Error('loop');
  loop.cause = loop;
  expect(JSON.stringify(failureOf(loop)).split('loop')).toHaveLength(1 + 9);
});

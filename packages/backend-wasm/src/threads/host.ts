/** What Node and pages each call a worker, and how many processors they have: the one place that tells them apart. */
import type * as fs from 'node:fs';
import type * as module from 'node:module';
import type * as os from 'node:os';
import type * as path from 'node:path';
import type * as workerThreads from 'node:worker_threads';

/** Node's own modules, fetched at run time: a static import of them would break a bundle for browsers. */
export interface NodeModules {
  readonly fs: typeof fs;
  readonly module: typeof module;
  readonly os: typeof os;
  readonly path: typeof path;
  readonly workerThreads: typeof workerThreads;
}

/** `undefined` outside Node. */
export function nodeModules(): NodeModules | undefined {
  const here = (globalThis as { process?: Partial<NodeJS.Process> }).process;
  if (here?.versions?.node === undefined || here.getBuiltinModule === undefined) return undefined;
  return {
    fs: here.getBuiltinModule('node:fs'),
    module: here.getBuiltinModule('node:module'),
    os: here.getBuiltinModule('node:os'),
    path: here.getBuiltinModule('node:path'),
    workerThreads: here.getBuiltinModule('node:worker_threads'),
  };
}

/** The most threads that are used unless the caller says otherwise: more rarely help at the sizes of one training step. */
const DEFAULT_LIMIT = 4;

/** Logical processors, at most 4; 1 in a page that may not share memory between threads. */
export function defaultThreads(): number {
  const node = nodeModules();
  if (node !== undefined) return Math.min(node.os.availableParallelism(), DEFAULT_LIMIT);
  if (!canShareMemory()) return 1;
  return Math.max(1, Math.min(navigator.hardwareConcurrency, DEFAULT_LIMIT));
}

/** Whether memory may be shared between threads here: always in Node, in a page only when it is cross-origin isolated. */
export function canShareMemory(): boolean {
  if (nodeModules() !== undefined) return true;
  const page = globalThis as { crossOriginIsolated?: boolean };
  return page.crossOriginIsolated === true && typeof Worker !== 'undefined';
}

/** A worker of either kind. */
export interface HostWorker {
  /** Called once, when the worker reports that it is ready. */
  onReady(listener: () => void): void;
  /** Called with the reason when the worker ends or fails; not after `stop`. */
  onEnd(listener: (reason: string) => void): void;
  /** From now on the process may end although the worker runs. */
  unref(): void;
  stop(): void;
}

/** Starts a worker that evaluates `program` with `data` bound to the name `data`, and calls `ready()` in it when it likes. */
export function startWorker(program: string, data: unknown): HostWorker {
  const node = nodeModules();
  return node === undefined ? startPageWorker(program, data) : startNodeWorker(node, program, data);
}

function startNodeWorker({ workerThreads }: NodeModules, program: string, data: unknown): HostWorker {
  const source = `'use strict';
const { parentPort, workerData: data } = require('node:worker_threads');
const ready = () => parentPort.postMessage('ready');
${program}`;
  const worker = new workerThreads.Worker(source, {
    eval: true,
    workerData: data,
    execArgv: [],
    name: 'apo-wasm',
  });
  let stopped = false;
  return {
    onReady: (listener) => void worker.once('message', listener),
    onEnd: (listener) => {
      worker.on('error', (error) => listener(error.message));
      worker.on('exit', (code) => {
        if (!stopped) listener(`it exited with code ${code}`);
      });
    },
    unref: () => worker.unref(),
    stop: () => {
      stopped = true;
      void worker.terminate();
    },
  };
}

function startPageWorker(program: string, data: unknown): HostWorker {
  const source = `'use strict';
const ready = () => postMessage('ready');
onmessage = ({ data }) => {
${program}
};`;
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const worker = new Worker(url);
  worker.postMessage(data);
  return {
    onReady: (listener) =>
      worker.addEventListener(
        'message',
        () => {
          URL.revokeObjectURL(url);
          listener();
        },
        { once: true },
      ),
    onEnd: (listener) =>
      worker.addEventListener('error', (event) => listener(event.message || 'it could not be started')),
    unref: () => undefined,
    stop: () => worker.terminate(),
  };
}

/** One worker thread of Node that computes eigen-decompositions, if it can load ml-matrix, and inverses; where there is none (in a page), the reason. */
import type * as module from 'node:module';
import type * as path from 'node:path';
import type * as workerThreads from 'node:worker_threads';
import { denseLoops } from './dense-loops.js';
import type { FailedPivot } from './dense-loops.js';
import { eigensystem } from './eigensystem.js';
import type { SymmetricEigen } from './eigensystem.js';

/** Why a worker cannot decompose matrices; it goes on with what else it is sent. */
export interface Refusal {
  readonly refused: string;
}

export interface LinalgWorker {
  /**
   * Sends `a` `[n, n]`, whose buffer is handed over. `done` is called with the result, with a refusal, or with the reason why
   * there will be no result, which also means that the worker is gone. One matrix at a time.
   */
  solve(
    a: Float64Array<ArrayBuffer>,
    n: number,
    done: (result: SymmetricEigen | Refusal | string) => void,
  ): void;
  /** The same with the inverse of a positive definite matrix as the result; it needs no library and is never refused. */
  invert(
    a: Float64Array<ArrayBuffer>,
    n: number,
    done: (result: Float64Array | FailedPivot | string) => void,
  ): void;
  /** Ends the thread; a matrix under way gets its reason. */
  stop(): Promise<void>;
}

interface Request {
  readonly kind: 'eigen' | 'inverse';
  readonly a: Float64Array<ArrayBuffer>;
  readonly n: number;
}

type Result = SymmetricEigen | Refusal | Float64Array | FailedPivot;

/** A worker, which keeps the process alive only while it computes, or one sentence that says why there is none. */
export function startLinalgWorker(): LinalgWorker | string {
  const node = nodeModules();
  if (node === undefined) return 'Workers are used in Node alone.';
  let worker: workerThreads.Worker;
  try {
    worker = new node.workerThreads.Worker(program(), {
      eval: true,
      workerData: { library: locateLibrary(node) },
      execArgv: [],
      name: 'apo-linalg',
    });
  } catch (error) {
    return `A worker could not be started: ${error instanceof Error ? error.message : String(error)}.`;
  }
  worker.unref();
  let waiting: ((result: Result | string) => void) | undefined;
  let end: string | undefined;
  const settle = (result: Result | string): void => {
    const done = waiting;
    waiting = undefined;
    worker.unref();
    done?.(result);
  };
  worker.on('message', settle);
  worker.on('error', (error) => {
    end ??= `the worker failed: ${error.message}`;
    settle(end);
  });
  worker.on('exit', (code) => {
    end ??= `the worker exited with code ${code}`;
    settle(end);
  });
  const send = (request: Request, done: (result: Result | string) => void): void => {
    if (end !== undefined) {
      done(end);
      return;
    }
    waiting = done;
    worker.ref();
    worker.postMessage(request, [request.a.buffer]);
  };
  return {
    // The program answers each kind of request with its kind of result.
    solve: (a, n, done) => send({ kind: 'eigen', a, n }, done as (result: Result | string) => void),
    invert: (a, n, done) => send({ kind: 'inverse', a, n }, done as (result: Result | string) => void),
    stop: async () => {
      await worker.terminate();
    },
  };
}

/** Runs the same functions on the same library as the calling thread would. The library is loaded when it is first needed. */
function program(): string {
  return `'use strict';
const { parentPort, workerData } = require('node:worker_threads');
let library;
const eigensystem = ${eigensystem.toString()};
const loops = (${denseLoops.toString()})();
parentPort.on('message', ({ kind, a, n }) => {
  if (kind === 'eigen' && library === undefined) {
    try {
      if (workerData.library === undefined) throw new Error('it is not installed where a worker could find it');
      library = require(workerData.library);
    } catch (error) {
      parentPort.postMessage({ refused: 'No worker could load ml-matrix: ' + error.message.split('\\n')[0] + '.' });
      return;
    }
  }
  const result = kind === 'eigen' ? eigensystem(library, a, n) : loops.positiveInverse(a, n);
  const arrays = result instanceof Float64Array ? [result] : Object.values(result).filter(ArrayBuffer.isView);
  parentPort.postMessage(result, arrays.map(({ buffer }) => buffer));
});`;
}

interface NodeModules {
  readonly module: typeof module;
  readonly path: typeof path;
  readonly workerThreads: typeof workerThreads;
}

/** Node's own modules, fetched at run time: a static import of them would break a bundle for browsers. */
function nodeModules(): NodeModules | undefined {
  const here = (globalThis as { process?: Partial<NodeJS.Process> }).process;
  if (here?.versions?.node === undefined || here.getBuiltinModule === undefined) return undefined;
  return {
    module: here.getBuiltinModule('node:module'),
    path: here.getBuiltinModule('node:path'),
    workerThreads: here.getBuiltinModule('node:worker_threads'),
  };
}

/** The CommonJS file of ml-matrix, as this package or else the program finds it. */
function locateLibrary({ module, path }: NodeModules): string | undefined {
  // This file, as CommonJS or as a module.
  const file = (typeof __filename === 'string' ? __filename : import.meta.url) as string | undefined;
  const program = path.join(process.cwd(), 'package.json');
  for (const start of file === undefined ? [program] : [file, program]) {
    try {
      return module.createRequire(start).resolve('ml-matrix');
    } catch {
      // Not there: the next place.
    }
  }
  return undefined;
}

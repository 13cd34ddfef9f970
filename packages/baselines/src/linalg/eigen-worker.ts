/** One worker thread of Node that computes eigen-decompositions; where there is none (in a page, in a bundle without ml-matrix), the reason. */
import type * as module from 'node:module';
import type * as path from 'node:path';
import type * as workerThreads from 'node:worker_threads';
import { eigensystem } from './eigensystem.js';
import type { SymmetricEigen } from './eigensystem.js';

export interface EigenWorker {
  /**
   * Sends `a` `[n, n]`, whose buffer is handed over. `done` is called with the result or with the reason why there will be
   * none; the latter also means that the worker is gone. One matrix at a time.
   */
  solve(a: Float64Array<ArrayBuffer>, n: number, done: (result: SymmetricEigen | string) => void): void;
  /** Ends the thread; a matrix under way gets its reason. */
  stop(): Promise<void>;
}

interface Reply {
  readonly values: Float64Array;
  readonly vectors: Float64Array;
}

/** A worker, which keeps the process alive only while it computes, or one sentence that says why there is none. */
export function startEigenWorker(): EigenWorker | string {
  const node = nodeModules();
  if (node === undefined) return 'Only Node has workers that can load ml-matrix.';
  const library = locateLibrary(node);
  if (library === undefined) return 'ml-matrix is not installed where a worker could load it.';
  let worker: workerThreads.Worker;
  try {
    worker = new node.workerThreads.Worker(program(), {
      eval: true,
      workerData: { library },
      execArgv: [],
      name: 'apo-eigen',
    });
  } catch (error) {
    return `A worker could not be started: ${error instanceof Error ? error.message : String(error)}.`;
  }
  worker.unref();
  let waiting: ((result: SymmetricEigen | string) => void) | undefined;
  let end: string | undefined;
  const settle = (result: SymmetricEigen | string): void => {
    const done = waiting;
    waiting = undefined;
    worker.unref();
    done?.(result);
  };
  worker.on('message', ({ values, vectors }: Reply) => settle({ values, vectors }));
  worker.on('error', (error) => {
    end ??= `the worker failed: ${error.message}`;
    settle(end);
  });
  worker.on('exit', (code) => {
    end ??= `the worker exited with code ${code}`;
    settle(end);
  });
  return {
    solve: (a, n, done) => {
      if (end !== undefined) {
        done(end);
        return;
      }
      waiting = done;
      worker.ref();
      worker.postMessage({ a, n }, [a.buffer]);
    },
    stop: async () => {
      await worker.terminate();
    },
  };
}

/** Runs the same function on the same library as the calling thread would. */
function program(): string {
  return `'use strict';
const { parentPort, workerData } = require('node:worker_threads');
const library = require(workerData.library);
const eigensystem = ${eigensystem.toString()};
parentPort.on('message', ({ a, n }) => {
  const { values, vectors } = eigensystem(library, a, n);
  parentPort.postMessage({ values, vectors }, [values.buffer, vectors.buffer]);
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

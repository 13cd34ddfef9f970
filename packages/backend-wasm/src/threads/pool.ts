/**
 * A small pool of workers that run functions of our WASM module on a shared memory beside the calling thread, which works
 * through the list like any of them: with every core busy it ends up doing all of it alone. Which thread runs a job is left
 * to chance, so jobs of one list write to different places and their results do not depend on it.
 */
import { ApoError, requireArgument } from '@apo/core';
import { startWorker } from './host.js';
import type { HostWorker } from './host.js';
import {
  DONE,
  FAILED,
  JOB_SIZE,
  MAX_ARGUMENTS,
  MAX_JOBS,
  MAX_MESSAGE,
  participant,
  RUNNING,
  STATE,
} from './participant.js';
import type { ControlBlock, Participant } from './participant.js';

/** One call of an exported function. */
export interface Job {
  readonly name: string;
  readonly args: readonly (number | boolean)[];
  /**
   * Which argument is the address of working space, and its bytes, a multiple of 16: thread t gets the address plus t·bytes,
   * so that threads do not write over each other's.
   */
  readonly workspace?: { readonly argument: number; readonly bytes: number };
}

export interface PoolOptions {
  /** Threads in all, the calling one included; at least 2. */
  readonly threads: number;
  /** The memory that the modules import as `env.memory`; shared. */
  readonly memory: WebAssembly.Memory;
  readonly modules: readonly WebAssembly.Module[];
  /** Seconds without one finished job after which a job taken by a worker counts as lost. */
  readonly patience?: number;
  /** Seconds the workers may take to start. */
  readonly startPatience?: number;
  /** How a worker is started. */
  readonly start?: typeof startWorker;
}

export interface WorkerPool {
  readonly threads: number;
  /** Runs every job with the functions of `modules[module]`, and returns when all are done. */
  run(module: number, jobs: readonly Job[]): void;
  /** Ends the workers; `run` is refused from then on. Calling it again changes nothing. */
  stop(): void;
}

/**
 * How often an idle worker looks for a new list before it lets the system wake it: about 0.2 ms, which spans what lies between two
 * lists of one training step. Waking takes as long as the work that a list is worth.
 */
const WORKER_SPINS = 100_000;
/** How often the calling thread looks whether the workers are done before it lets the system wake it. */
const CALLER_SPINS = 100_000;

/**
 * Starts the workers and resolves when they are ready. They do not keep the process alive.
 * @throws ApoError `BACKEND_UNAVAILABLE` when one does not start; the others are ended then.
 */
export async function startPool({
  threads,
  memory,
  modules,
  patience = 60,
  startPatience = 20,
  start = startWorker,
}: PoolOptions): Promise<WorkerPool> {
  const control: ControlBlock = {
    words: new Int32Array(new SharedArrayBuffer(4 * (RUNNING + threads))),
    jobs: new Float64Array(new SharedArrayBuffer(8 * MAX_JOBS * JOB_SIZE)),
    message: new Uint16Array(new SharedArrayBuffer(2 * MAX_MESSAGE)),
  };
  const program = `
const participant = ${participant.toString()};
const functions = data.modules.map((module) => {
  const { exports } = new WebAssembly.Instance(module, { env: { memory: data.memory } });
  return data.names.map((name) => exports[name]);
});
const self = participant(data.thread, data.control, functions);
ready();
for (;;) {
  self.sleep(${WORKER_SPINS});
  self.work();
}`;
  const names = functionNames(modules);
  const pool = createPool(control, memory, modules, names, threads, patience);
  try {
    const starting = [];
    for (let thread = 1; thread < threads; thread++) {
      const worker = start(program, { thread, control, memory, modules, names });
      pool.add(thread, worker);
      starting.push(readiness(thread, worker, startPatience));
    }
    await Promise.all(starting);
    return pool;
  } catch (cause) {
    pool.stop();
    throw cause;
  }
}

/** Resolves when the worker is ready; it does not hold the process from then on. */
async function readiness(thread: number, worker: HostWorker, seconds: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const refuse = (reason: string): void => {
      clearTimeout(timer);
      reject(new ApoError('BACKEND_UNAVAILABLE', `Worker ${thread} did not start: ${reason}.`));
    };
    const timer = setTimeout(() => refuse(`it was not ready after ${seconds} s`), 1000 * seconds);
    worker.onEnd(refuse);
    worker.onReady(() => {
      clearTimeout(timer);
      resolve();
    });
  });
  worker.unref();
}

function createPool(
  { words, jobs: slots, message }: ControlBlock,
  memory: WebAssembly.Memory,
  modules: readonly WebAssembly.Module[],
  names: readonly string[],
  threads: number,
  patience: number,
): WorkerPool & { add(thread: number, worker: HostWorker): void } {
  const own: Participant = participant(
    0,
    { words, jobs: slots, message },
    functionTable(memory, modules, names),
  );
  const index = new Map(names.map((name, i) => [name, i]));
  const workers: HostWorker[] = [];
  const blocks = mayBlock();
  let failure: ApoError | undefined;

  function fail(reason: string): ApoError {
    failure ??= new ApoError(
      'BACKEND_UNAVAILABLE',
      `${reason}. Results since the last complete step cannot be trusted; start the program again, ` +
        'with wasmBackend({threads: 1}) if it happens again.',
    );
    return failure;
  }

  return {
    threads,
    add: (thread, worker) => {
      workers.push(worker);
      worker.onEnd((reason) => void fail(`Worker ${thread} of the WASM backend died: ${reason}`));
    },
    run: (module, jobs) => {
      if (failure !== undefined) throw failure;
      for (let start = 0; start < jobs.length; start += MAX_JOBS) {
        runList(module, jobs.slice(start, start + MAX_JOBS));
      }
    },
    stop: () => {
      failure ??= new ApoError('BACKEND_UNAVAILABLE', 'The workers of the WASM backend were stopped.');
      for (const worker of workers.splice(0)) worker.stop();
    },
  };

  function runList(module: number, jobs: readonly Job[]): void {
    for (const [job, { name, args, workspace }] of jobs.entries()) {
      const position = index.get(name);
      requireArgument(position !== undefined, () => `The WASM module has no function '${name}'.`);
      requireArgument(
        args.length <= MAX_ARGUMENTS,
        () => `'${name}' got ${args.length} arguments; a job carries at most ${MAX_ARGUMENTS}.`,
      );
      const slot = job * JOB_SIZE;
      slots[slot] = module;
      slots[slot + 1] = position;
      slots[slot + 2] = args.length;
      slots[slot + 3] = workspace?.argument ?? -1;
      slots[slot + 4] = workspace?.bytes ?? 0;
      for (let i = 0; i < args.length; i++) slots[slot + 5 + i] = Number(args[i]);
    }
    Atomics.store(words, FAILED, 0);
    Atomics.store(words, DONE, 0);
    Atomics.store(words, STATE, jobs.length << 16);
    if (jobs.length > 1) Atomics.notify(words, STATE, jobs.length - 1);
    own.work();
    awaitOthers(jobs);
    const failed = Atomics.load(words, FAILED);
    if (failed > 0) {
      const text = String.fromCharCode(...message).replace(/\0+$/, '');
      throw fail(`The WASM function '${jobs[failed - 1]!.name}' failed: ${text}`);
    }
  }

  /** Waits for the jobs that workers have taken. A wait that ends without news, many times over, means that one is lost. */
  function awaitOthers(jobs: readonly Job[]): void {
    const count = jobs.length;
    for (let i = 0; i < CALLER_SPINS; i++) if (Atomics.load(words, DONE) === count) return;
    let known = Atomics.load(words, DONE);
    let waited = 0;
    while (known !== count) {
      // Counted in slices, not by the clock, so that a machine that was asleep in between does not look like a lost worker.
      waited += blocks ? waitSlice(known) : spinSlice(known);
      const now = Atomics.load(words, DONE);
      if (now !== known) waited = 0;
      known = now;
      if (waited > 1000 * patience) throw fail(lost(jobs));
    }
  }

  /** Both return the milliseconds to count when nothing happened. */
  function waitSlice(known: number): number {
    const slice = Math.min(1000, 250 * patience);
    // The last job to end is the only one that wakes us, so a slice without it says nothing about the others.
    return Atomics.wait(words, DONE, known, slice) === 'timed-out' ? slice : 0;
  }

  function spinSlice(known: number): number {
    const start = performance.now();
    while (Atomics.load(words, DONE) === known) if (performance.now() - start > 10) return 10;
    return 0;
  }

  function lost(jobs: readonly Job[]): string {
    for (let thread = 1; thread < threads; thread++) {
      const job = Atomics.load(words, RUNNING + thread);
      if (job > 0) {
        const name = jobs[job - 1]?.name ?? 'unknown';
        return `Worker ${thread} of the WASM backend took a job of '${name}' and did not finish it in ${patience} s`;
      }
    }
    return `A worker of the WASM backend did not finish its job in ${patience} s`;
  }
}

/** Names of the functions that the modules export; builds of one source export the same ones. */
function functionNames(modules: readonly WebAssembly.Module[]): string[] {
  const [first] = modules;
  if (first === undefined) return [];
  return WebAssembly.Module.exports(first)
    .filter(({ kind }) => kind === 'function')
    .map(({ name }) => name);
}

function functionTable(
  memory: WebAssembly.Memory,
  modules: readonly WebAssembly.Module[],
  names: readonly string[],
): ((...args: number[]) => unknown)[][] {
  return modules.map((module) => {
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    return names.map((name) => exports[name] as (...args: number[]) => unknown);
  });
}

/** Whether this thread may block; the main thread of a page may not. */
function mayBlock(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
    return true;
  } catch {
    return false;
  }
}

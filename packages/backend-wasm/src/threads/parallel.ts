/**
 * How kernels use threads: split the work into jobs that write to different places, and run the list. On one thread the
 * jobs run in order, so a kernel has one way for both. A split depends on sizes and on the number of threads alone, never on
 * which of them is free: results are the same bits for the same number of threads.
 */
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { memoryOf, nativeBuild, nativeFunctions, nativeModule, runnableBuilds } from '../native/module.js';
import type { NativeFunctions } from '../native/modules.generated.js';
import { startPool } from './pool.js';
import type { Job, WorkerPool } from './pool.js';

interface Threading {
  readonly pool: WorkerPool;
  /** The builds in the order in which the pool knows them. */
  readonly builds: readonly string[];
}

/** By the module of tfjs-wasm, whose memory the workers share. */
const threadings = new WeakMap<object, Threading>();

/** Threads that kernels on this backend run on, the calling one included. */
export function threadCount(backend: BackendWasm): number {
  return threadings.get(backend.wasm)?.pool.threads ?? 1;
}

/**
 * Starts the workers of this backend; with as many threads as it has already it changes nothing.
 * @throws ApoError `BACKEND_UNAVAILABLE` when they do not start; kernels run on one thread then.
 */
export async function startThreads(backend: BackendWasm, threads: number): Promise<void> {
  if (threadCount(backend) === threads) return;
  stopThreads(backend);
  const builds = runnableBuilds();
  if (threads === 1 || builds.length === 0) return;
  const memory = memoryOf(backend);
  const modules = builds.map((build) => nativeModule(build, memory));
  const pool = await startPool({ threads, memory, modules });
  threadings.set(backend.wasm, { pool, builds });
  const dispose = backend.dispose.bind(backend);
  backend.dispose = () => {
    stopThreads(backend);
    dispose();
  };
}

/** Ends the workers of this backend, as `tf.removeBackend('wasm')` does too; kernels run on one thread from then on. */
export function stopThreads(backend: BackendWasm): void {
  const threading = threadings.get(backend.wasm);
  if (threading === undefined) return;
  threadings.delete(backend.wasm);
  threading.pool.stop();
}

/** One call of a function of our module. */
export function job<Name extends keyof NativeFunctions>(
  name: Name,
  ...args: Parameters<NativeFunctions[Name]>
): Job {
  return { name, args };
}

/**
 * Runs the jobs, in any order and on any thread, and returns when all are done. Our module must be there
 * (`nativeFunctions(backend)` is not `undefined`).
 * @throws ApoError `BACKEND_UNAVAILABLE` when a worker died or a job failed on one.
 */
export function parallelFor(backend: BackendWasm, jobs: readonly Job[]): void {
  const threading = threadings.get(backend.wasm);
  if (threading !== undefined && jobs.length > 1) {
    threading.pool.run(threading.builds.indexOf(nativeBuild(backend)), jobs);
    return;
  }
  const functions = nativeFunctions(backend) as unknown as Record<
    string,
    (...args: readonly (number | boolean)[]) => unknown
  >;
  for (const { name, args } of jobs) functions[name]!(...args);
}

/** A part of a range: from `start`, up to but without `end`. */
export interface Part {
  readonly start: number;
  readonly end: number;
}

/**
 * Splits `[0, length)` into as many parts as there are threads, or fewer where a part would be shorter than `grain`; every
 * boundary is a multiple of `multiple`. A grain is worth about 20 µs of work: what waking a worker costs.
 */
export function splitRange(
  backend: BackendWasm,
  length: number,
  { grain, multiple = 1 }: { readonly grain: number; readonly multiple?: number },
): Part[] {
  const parts = Math.max(1, Math.min(threadCount(backend), Math.floor(length / grain)));
  const blocks = Math.ceil(length / multiple);
  const split: Part[] = [];
  for (let part = 0; part < parts; part++) {
    const start = Math.floor((blocks * part) / parts) * multiple;
    const end = Math.min(length, Math.floor((blocks * (part + 1)) / parts) * multiple);
    if (end > start || parts === 1) split.push({ start, end });
  }
  return split;
}

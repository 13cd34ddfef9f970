/**
 * What a thread does with a list of jobs: take the next one nobody has taken, run it, count it as done. The main thread and
 * the workers run this same function; workers receive its text, so it refers to nothing outside itself.
 *
 * `words[STATE]` holds `count·65536 + next`: jobs in the list, and the first that is free. Taking a job is one
 * compare-and-swap of that word, so a late thread can never take a job of a list that has ended. Arguments are written before
 * the state and not touched until every job has been counted.
 */

/** Shared between the threads: the words below, and for each job a module, a function and its arguments. */
export interface ControlBlock {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly jobs: Float64Array<SharedArrayBuffer>;
  /** A thread's message about the job that failed, as UTF-16 code units. */
  readonly message: Uint16Array<SharedArrayBuffer>;
}

/** Words of the control block. `RUNNING + t` is 1 + the job that thread t runs, 0 when it runs none. */
export const STATE = 0;
export const DONE = 1;
export const FAILED = 2;
export const RUNNING = 3;

export const MAX_JOBS = 64;
export const MAX_ARGUMENTS = 27;
/** Numbers of one job: module, function, number of arguments, place of its working space among them, its bytes, arguments. */
export const JOB_SIZE = MAX_ARGUMENTS + 5;
export const MAX_MESSAGE = 256;

type JobFunction = (...args: number[]) => unknown;

export interface Participant {
  /** Runs jobs until none is free; returns how many it ran. */
  readonly work: () => number;
  /** Returns when a list has a free job: looks `spins` times, then blocks. Not for a page's main thread. */
  readonly sleep: (spins: number) => void;
}

/** A thread with its functions, `functions[module][index]`. */
export function participant(
  thread: number,
  { words, jobs, message }: ControlBlock,
  functions: readonly (readonly JobFunction[])[],
): Participant {
  // The numbers are those of the constants above, which the text of this function cannot reach.
  const [state, done, failed, running, jobSize] = [0, 1, 2, 3, 32] as const;

  function runJob(job: number): void {
    const start = job * jobSize;
    try {
      const run = functions[jobs[start]!]![jobs[start + 1]!]!;
      const args = jobs.slice(start + 5, start + 5 + jobs[start + 2]!);
      const space = jobs[start + 3]!;
      if (space >= 0) args[space]! += thread * jobs[start + 4]!;
      run(...args);
    } catch (error) {
      if (Atomics.compareExchange(words, failed, 0, job + 1) === 0) {
        const text = String(error);
        for (let i = 0; i < message.length; i++) message[i] = i < text.length ? text.charCodeAt(i) : 0;
      }
    }
  }

  return {
    work: () => {
      let ran = 0;
      for (;;) {
        const seen = Atomics.load(words, state);
        const next = seen & 65535;
        if (next >= seen >>> 16) return ran;
        if (Atomics.compareExchange(words, state, seen, seen + 1) !== seen) continue;
        Atomics.store(words, running + thread, next + 1);
        runJob(next);
        Atomics.store(words, running + thread, 0);
        ran++;
        // The message of a failure must be readable by whoever sees the count complete.
        if (Atomics.add(words, done, 1) + 1 === seen >>> 16) Atomics.notify(words, done);
      }
    },
    sleep: (spins) => {
      let seen = 0;
      for (let i = 0; i < spins; i++) {
        seen = Atomics.load(words, state);
        if ((seen & 65535) < seen >>> 16) return;
      }
      Atomics.wait(words, state, seen);
    },
  };
}

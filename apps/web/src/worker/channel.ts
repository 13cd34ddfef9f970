/** The page's end of a channel to a worker: typed calls and events, and what to do when the worker dies. */
import { signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import { WorkerError } from './failure.js';
import type { Failure } from './failure.js';
import type { Answer, Argument, CallName, Contract, ReplyMessage } from './messages.js';

export interface Channel<C extends Contract> {
  /** Calls the worker. Rejects with a `WorkerError` when the call fails there, or when the worker dies before it answers. */
  call<K extends CallName<C>>(
    name: K,
    argument: Argument<C, K>,
    transfer?: Transferable[],
  ): Promise<Answer<C, K>>;
  /** Why the worker cannot go on; show it with a way to `restart`. */
  readonly failure: ReadonlySignal<Failure | undefined>;
  /** Ends the worker, whatever it does, and starts a fresh one; calls that wait are rejected. */
  restart(): void;
  /** Ends the worker. */
  close(): void;
}

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: WorkerError) => void;
}

/**
 * Starts a worker with `create`, `() => new Worker(new URL('./session.worker.ts', import.meta.url), { type: 'module' })`,
 * and tells `onEvent` what it sends. Events of a worker that was replaced are not heard.
 */
export function openChannel<C extends Contract>(
  create: () => Worker,
  onEvent: (event: C['event']) => void,
): Channel<C> {
  const failure = signal<Failure>();
  const waiting = new Map<number, Waiting>();
  let calls = 0;
  let worker = start();

  function start(): Worker {
    const fresh = create();
    fresh.addEventListener('message', ({ data }: MessageEvent<ReplyMessage>) => {
      if (fresh === worker) receive(data);
    });
    fresh.addEventListener('error', (event: ErrorEvent | Event) => {
      event.preventDefault();
      // A script that does not load gives a plain event, without a message.
      const what = 'message' in event && event.message !== '' ? event.message : 'its script did not load';
      if (fresh === worker) die({ name: 'WorkerError', message: `The worker stopped: ${what}.` });
    });
    fresh.addEventListener('messageerror', () => {
      if (fresh === worker)
        die({ name: 'WorkerError', message: 'A message from the worker could not be read.' });
    });
    return fresh;
  }

  function receive(message: ReplyMessage): void {
    switch (message.kind) {
      case 'event':
        onEvent(message.event);
        break;
      case 'fatal':
        die(message.failure);
        break;
      case 'answer':
        settle(message.id, ({ resolve }) => resolve(message.value as never));
        break;
      case 'refusal':
        settle(message.id, ({ reject }) => reject(new WorkerError(message.failure)));
        break;
      default:
        message satisfies never;
    }
  }

  function settle(id: number, how: (call: Waiting) => void): void {
    const call = waiting.get(id);
    waiting.delete(id);
    if (call !== undefined) how(call);
  }

  function die(reason: Failure): void {
    failure.value = reason;
    rejectAll(reason);
  }

  function rejectAll(reason: Failure): void {
    const calls = [...waiting.values()];
    waiting.clear();
    for (const { reject } of calls) reject(new WorkerError(reason));
  }

  return {
    failure,
    call: (name, argument, transfer = []) =>
      new Promise((resolve, reject) => {
        // Who calls in an effect does not want to call again when the worker fails.
        const reason = failure.peek();
        if (reason !== undefined) throw new WorkerError(reason);
        const id = ++calls;
        worker.postMessage({ kind: 'call', id, name, argument }, transfer);
        waiting.set(id, { resolve, reject });
      }),
    restart() {
      worker.terminate();
      worker = start();
      // First what waits, then the signal: an effect that hears of it may call at once.
      rejectAll({ name: 'WorkerError', message: 'The worker was started afresh.' });
      failure.value = undefined;
    },
    close() {
      worker.terminate();
      rejectAll({ name: 'WorkerError', message: 'The worker was ended.' });
    },
  };
}

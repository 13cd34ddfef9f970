/** The worker's end of a channel: answers calls, sends events. */
import { failureOf } from './failure.js';
import type {
  Answer,
  Argument,
  CallMessage,
  CallName,
  Contract,
  Endpoint,
  ReplyMessage,
} from './messages.js';

export type Handlers<C extends Contract> = {
  readonly [K in CallName<C>]: (argument: Argument<C, K>) => Answer<C, K> | Promise<Answer<C, K>>;
};

export interface Served<C extends Contract> {
  /** Sends an event to the page; `transfer` lists the buffers that it gives away. */
  send(event: C['event'], transfer?: Transferable[]): void;
  /** Reports an error that belongs to no call: the page shows it and offers a fresh worker. */
  fail(error: unknown): void;
}

/**
 * Answers the calls of `handlers`, each as it comes: one that waits does not hold up the next. An error of a handler rejects
 * its call and nothing else.
 */
export function serve<C extends Contract>(
  handlers: Handlers<C>,
  scope: Endpoint = globalThis as unknown as Endpoint,
): Served<C> {
  const post = (message: ReplyMessage, transfer: Transferable[] = []): void =>
    scope.postMessage(message, transfer);
  scope.addEventListener('message', ({ data }: MessageEvent<CallMessage>) => {
    const { id, name, argument } = data;
    const answer = async (): Promise<unknown> => {
      if (!Object.hasOwn(handlers, name)) throw new Error(`The worker has no call "${name}".`);
      return handlers[name as CallName<C>](argument as Argument<C, CallName<C>>);
    };
    answer().then(
      (value) => post({ kind: 'answer', id, value }),
      (error: unknown) => post({ kind: 'refusal', id, failure: failureOf(error) }),
    );
  });
  return {
    send: (event, transfer) => post({ kind: 'event', event }, transfer),
    fail: (error) => post({ kind: 'fatal', failure: failureOf(error) }),
  };
}

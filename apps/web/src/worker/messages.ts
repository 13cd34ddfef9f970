/** What goes over the wire between a page and its worker, and the types that a page's contract gives it. */
import type { Failure } from './failure.js';

/** The calls that a worker answers and the events that it sends by itself; a page writes one and both ends check it. */
export interface Contract {
  readonly calls: Readonly<Record<string, (argument: never) => unknown>>;
  readonly event: { readonly type: string };
}

export type CallName<C extends Contract> = keyof C['calls'] & string;
export type Argument<C extends Contract, K extends CallName<C>> = Parameters<C['calls'][K]>[0];
export type Answer<C extends Contract, K extends CallName<C>> = Awaited<ReturnType<C['calls'][K]>>;

/** Page to worker. */
export interface CallMessage {
  readonly kind: 'call';
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

/** Worker to page. */
export type ReplyMessage =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly failure: Failure }
  | { readonly kind: 'event'; readonly event: { readonly type: string } }
  /** Nothing that the worker holds can be relied on any more. */
  | { readonly kind: 'fatal'; readonly failure: Failure };

/** An end of a channel: a Worker, the global scope of one, or a MessagePort. */
export interface Endpoint {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
}

/** Where batches come from: an endless, resumable stream whose batches are released when they are no longer needed. */

/** JSON-safe. */
export type SourceState = Readonly<Record<string, unknown>>;

export interface BatchSource<B> {
  /** `Infinity` where epochs have no meaning (fresh samples each time). */
  readonly batchesPerEpoch: number;
  /** The next batch; the caller owns its tensors and gives them back with `release`. */
  next(): B | Promise<B>;
  /** Disposes the tensors of a batch that `next` gave. */
  release(batch: B): void;
  state(): SourceState;
  restore(state: SourceState): void;
}

/** Gives the trainer the pair (B, B′) of each step and releases batches when they are no longer needed. Which examples they hold is the sources' business. */
import type { BatchSource, SourceState } from '../batch-source.js';
import { microBatches } from '../optimizer.js';
import type { MicroBatches } from '../optimizer.js';

export interface BatchFeedOptions<B> {
  readonly source: BatchSource<B>;
  /** Where B′ comes from: the batch of the step before, the batch itself, or a source of its own. */
  readonly other: 'previous' | 'same' | BatchSource<B>;
  /** Batches that make one step. */
  readonly accumulate: number;
}

export interface BatchPair<B> {
  readonly batch: B | MicroBatches<B>;
  /** Absent where B′ is the batch itself. */
  readonly other?: B | MicroBatches<B>;
}

/** JSON-safe. */
export interface BatchFeedState {
  readonly source: SourceState;
  /** Where the source stood before the batch that is going to be B′; null when there is none. */
  readonly previous: SourceState | null;
  /** Where the source of B′ stands; null when it has none of its own. */
  readonly other: SourceState | null;
}

/** Batches that were drawn together, and the way to give them back. */
interface Drawn<B> {
  readonly value: B | MicroBatches<B>;
  readonly release: () => void;
}

/** Owns the batches it gave until the next `next` (or `release`). */
export class BatchFeed<B> {
  private current: Drawn<B> | undefined;
  private otherBatch: Drawn<B> | undefined;
  private beforeCurrent: SourceState | null = null;

  constructor(private readonly options: BatchFeedOptions<B>) {}

  /** The batches of the next step; those given before must no longer be used. In `previous` mode the first step has no B′ of its own. */
  async next(): Promise<BatchPair<B>> {
    const { source, other } = this.options;
    this.otherBatch?.release();
    this.otherBatch = undefined;
    if (other === 'previous') {
      this.otherBatch = this.current;
      this.current = undefined;
      this.beforeCurrent = source.state();
    }
    this.current?.release();
    this.current = undefined;
    this.current = await this.draw(source);
    if (typeof other === 'object') this.otherBatch = await this.draw(other);
    return { batch: this.current.value, ...(this.otherBatch && { other: this.otherBatch.value }) };
  }

  state(): BatchFeedState {
    const { source, other } = this.options;
    return {
      source: source.state(),
      previous: this.beforeCurrent,
      other: typeof other === 'object' ? other.state() : null,
    };
  }

  /** Draws the batch again that was the last one when `state` was taken: it becomes B′ of the next step. The sources have been restored already. */
  async redraw(state: BatchFeedState): Promise<void> {
    const { source, other } = this.options;
    if (other !== 'previous' || state.previous === null) return;
    source.restore(state.previous);
    this.beforeCurrent = state.previous;
    this.current = await this.draw(source);
    source.restore(state.source);
  }

  release(): void {
    this.current?.release();
    this.otherBatch?.release();
    this.current = this.otherBatch = undefined;
  }

  private async draw(source: BatchSource<B>): Promise<Drawn<B>> {
    const { accumulate } = this.options;
    const batches: B[] = [];
    const release = (): void => batches.splice(0).forEach((batch) => source.release(batch));
    try {
      for (let i = 0; i < accumulate; i++) batches.push(await source.next());
    } catch (error) {
      release();
      throw error;
    }
    return { value: accumulate === 1 ? batches[0]! : microBatches([...batches]), release };
  }
}

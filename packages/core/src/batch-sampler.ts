/** Which examples go into which batch: every example once per epoch, in a seeded random order, resumable. */
import { requireArgument, requireInteger } from './errors.js';
import { createRandom } from './random.js';

export interface BatchSamplerOptions {
  /** Number of examples. */
  readonly size: number;
  readonly batchSize: number;
  readonly seed: number;
  /** Default true. */
  readonly shuffle?: boolean;
  /** Leave out the last batch of an epoch when it would be smaller (default true: batch statistics stay comparable). */
  readonly dropRemainder?: boolean;
}

export interface BatchSamplerState {
  readonly epoch: number;
  readonly position: number;
  readonly random: readonly number[];
}

/** An endless stream of index batches. */
export class BatchSampler {
  readonly batchesPerEpoch: number;
  private readonly random;
  private order: Int32Array;
  private beforeShuffle: readonly number[];
  private position = 0;
  private epochs = 0;

  constructor(private readonly options: BatchSamplerOptions) {
    const { size, batchSize, seed, dropRemainder = true } = options;
    requireInteger('size', size, 1);
    requireInteger('batchSize', batchSize, 1);
    requireArgument(
      batchSize <= size,
      () => `batchSize is ${batchSize}, but there are only ${size} examples; choose batchSize ≤ ${size}.`,
    );
    this.batchesPerEpoch = dropRemainder ? Math.floor(size / batchSize) : Math.ceil(size / batchSize);
    this.random = createRandom(seed);
    this.beforeShuffle = this.random.state();
    this.order = this.shuffled();
  }

  /** Finished epochs. */
  get epoch(): number {
    return this.epochs;
  }

  /** Indices of the next batch, `[batchSize]` (fewer in the last of an epoch when remainders are kept). */
  next(): Int32Array {
    if (this.position === this.batchesPerEpoch) {
      this.position = 0;
      this.epochs++;
      this.beforeShuffle = this.random.state();
      this.order = this.shuffled();
    }
    const start = this.position++ * this.options.batchSize;
    return this.order.slice(start, Math.min(start + this.options.batchSize, this.options.size));
  }

  state(): BatchSamplerState {
    return { epoch: this.epochs, position: this.position, random: [...this.beforeShuffle] };
  }

  restore(state: BatchSamplerState): void {
    this.epochs = state.epoch;
    this.position = state.position;
    this.beforeShuffle = [...state.random];
    this.random.restore(state.random);
    this.order = this.shuffled();
  }

  private shuffled(): Int32Array {
    return this.options.shuffle === false
      ? Int32Array.from({ length: this.options.size }, (_, i) => i)
      : this.random.permutation(this.options.size);
  }
}

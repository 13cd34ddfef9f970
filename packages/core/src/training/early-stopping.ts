/** Early stopping: which evaluation is the best so far, and when to give up waiting for a better one. It stops nothing itself. */
import { requireArgument, requireInteger, requireNumber } from '../errors.js';

export interface EarlyStoppingOptions {
  /** The entry of what `evaluate` returns. */
  readonly metric: string;
  /** Whether lower or higher is better. */
  readonly mode: 'min' | 'max';
  /** Evaluations in a row without improvement after which to stop; `Infinity` to watch only (default). */
  readonly patience?: number;
  /** An improvement is a change for the better by more than this (default 0). */
  readonly minDelta?: number;
}

/** JSON-safe. */
export interface EarlyStoppingState {
  readonly best: number | null;
  readonly waited: number;
}

export class EarlyStopping {
  /** The best value so far. */
  best: number | undefined;
  private waited = 0;
  private readonly patience: number;
  private readonly minDelta: number;

  /** @throws ApoError `INVALID_ARGUMENT` for options out of range. */
  constructor(private readonly options: EarlyStoppingOptions) {
    const { metric, mode, patience = Infinity, minDelta = 0 } = options;
    requireArgument(
      metric !== '',
      () => 'earlyStopping.metric is empty; name an entry of what evaluate returns.',
    );
    requireArgument(
      ['min', 'max'].includes(mode),
      () => `earlyStopping.mode is "${mode}"; expected "min" (lower is better) or "max".`,
    );
    if (patience !== Infinity) requireInteger('earlyStopping.patience', patience, 1);
    this.patience = patience;
    this.minDelta = requireNumber('earlyStopping.minDelta', minDelta, { min: 0 });
  }

  /**
   * Takes the next evaluation. A value that is NaN or infinite is never an improvement.
   * @throws ApoError `INVALID_ARGUMENT` when the metric is not among `metrics`.
   */
  update(metrics: Readonly<Record<string, number>>): { readonly improved: boolean; readonly stop: boolean } {
    const { metric, mode } = this.options;
    const value = metrics[metric];
    requireArgument(
      value !== undefined,
      () =>
        `earlyStopping watches "${metric}", but evaluate returned ${Object.keys(metrics).join(', ') || 'nothing'}; name one of them.`,
    );
    const gain = this.best === undefined ? Infinity : mode === 'min' ? this.best - value : value - this.best;
    const improved = Number.isFinite(value) && gain > this.minDelta;
    if (improved) this.best = value;
    this.waited = improved ? 0 : this.waited + 1;
    return { improved, stop: this.waited >= this.patience };
  }

  state(): EarlyStoppingState {
    return { best: this.best ?? null, waited: this.waited };
  }

  restore(state: EarlyStoppingState): void {
    this.best = state.best ?? undefined;
    this.waited = state.waited;
  }
}

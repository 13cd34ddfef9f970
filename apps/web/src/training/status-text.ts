/** What the pages that train say about a run, from what they know of it. */
import { formatCount } from '../ui/format.js';
import { engineName } from '../worker/engine-report.js';
import type { EngineReport } from '../worker/engine-report.js';
import type { Loading, Phase } from './contract.js';

export interface StatusParts {
  readonly phase: Phase;
  readonly loading: Loading;
  readonly engine: EngineReport | undefined;
  readonly step: number;
  /** What a finished run has come to. */
  readonly outcome: () => string;
}

/** One sentence for each phase; without numbers that change with every step, since it is read out. */
export function statusText({ phase, loading, engine, step, outcome }: StatusParts): string {
  switch (phase) {
    case 'idle':
      return 'Ready.';
    case 'loading':
      return loading.loaded < loading.total
        ? `Loading MNIST: ${loading.loaded} of ${formatCount(loading.total, 'file')}.`
        : 'Starting the engine.';
    case 'running':
      return engine === undefined ? 'Training.' : `Training on ${engineName(engine)}.`;
    case 'paused':
      return `Paused after ${formatCount(step, 'step')}.`;
    case 'finished':
      return `Done after ${formatCount(step, 'step')}. ${outcome()}`;
    case 'failed':
      return 'Stopped by an error.';
  }
}

/** Which engine, why, and at what cost. */
export function engineText(engine: EngineReport): string {
  return [`On ${engineName(engine)}.`, engine.why, engine.warning].filter((part) => part !== '').join(' ');
}

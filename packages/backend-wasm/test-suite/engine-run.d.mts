import type { Results } from './compare.mjs';

export interface EngineRunSettings {
  readonly engine: 'stock' | 'ours';
  /** Which build of the native module, for `ours`. */
  readonly simd: string;
  /** Of `ours`. */
  readonly threads: number;
  readonly wasmFolder: string;
  /** Words of which a test's name has at least one; `['']` for all tests. */
  readonly only: readonly string[];
  /** A child that says nothing for this long is taken for blocked (default 60,000 ms). */
  readonly silenceMs?: number;
}

export function runEngine(
  program: string,
  settings: EngineRunSettings,
): Promise<Results & { pending: number }>;

/** The contract of an engine adapter, and the choice among several. Environment checks live in the adapters, not here. */
import { ApoError } from './errors.js';

export interface Availability {
  readonly available: boolean;
  /** One sentence: why it is not available. */
  readonly reason?: string;
  /** One sentence: what the user can do about it. */
  readonly remedy?: string;
  /** A cost the user should know about although the engine works ("20 to 60 times slower than wasm"). */
  readonly warning?: string;
  /** Facts for `apo doctor`: versions, SIMD, limits, drivers. */
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

export interface BackendInfo {
  /** The adapter's name: `node`, `wasm`, `cpu`, … */
  readonly name: string;
  /** What `tf.getBackend()` says after activation. */
  readonly tfBackend: string;
  readonly threads: number;
  readonly warning?: string;
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

/** One engine. `probe` never throws and changes nothing; `activate` makes it TensorFlow.js's current backend. */
export interface BackendAdapter {
  readonly name: string;
  probe(): Promise<Availability>;
  activate(): Promise<BackendInfo>;
}

/**
 * Activates the first adapter of `preferences` that is available.
 * @throws ApoError `BACKEND_UNAVAILABLE` with each adapter's reason when none is.
 */
export async function selectBackend(preferences: readonly BackendAdapter[]): Promise<BackendInfo> {
  const refused: string[] = [];
  for (const adapter of preferences) {
    const availability = await adapter.probe();
    if (availability.available) {
      try {
        return await adapter.activate();
      } catch (cause) {
        refused.push(`${adapter.name}: ${cause instanceof Error ? cause.message : String(cause)}`);
        continue;
      }
    }
    const remedy = availability.remedy === undefined ? '' : ` ${availability.remedy}`;
    refused.push(`${adapter.name}: ${availability.reason ?? 'not available.'}${remedy}`);
  }
  throw new ApoError(
    'BACKEND_UNAVAILABLE',
    preferences.length === 0
      ? 'No engine was named; pass at least one adapter, for example wasmBackend() of @apo/backend-wasm.'
      : `No engine could be activated.\n${refused.map((line) => `  ${line}`).join('\n')}`,
  );
}

/** What a page knows of the engine that its worker computes on. Types and words only: a page imports this, not engine.ts. */

export const ENGINE_CHOICES = ['auto', 'webgpu', 'wasm'] as const;

/** `auto`: WebGPU where there is one, else WASM. */
export type EngineChoice = (typeof ENGINE_CHOICES)[number];

export interface EngineReport {
  readonly engine: 'webgpu' | 'wasm';
  readonly threads: number;
  /** What it runs on, where that is known. */
  readonly hardware: string;
  /** Why it is not WebGPU; empty where it is. */
  readonly why: string;
  /** A cost that the reader should know about; empty where there is none. */
  readonly warning: string;
}

/** One line: "WASM on 2 threads (SIMD)", "WebGPU (nvidia ampere)". */
export function engineName({ engine, threads, hardware }: EngineReport): string {
  const where = hardware === '' ? '' : ` (${hardware})`;
  if (engine === 'webgpu') return `WebGPU${where}`;
  return `WASM on ${threads} ${threads === 1 ? 'thread' : 'threads'}${where}`;
}

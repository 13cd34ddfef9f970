/** Starts the engines of a benchmark, and collects why some of them cannot be started. */
import type { BenchEngineName, Meter } from '../bench/subject.js';
import type { StartMeter } from './bench.js';

export interface Refusal {
  readonly engine: BenchEngineName;
  readonly reason: string;
}

export interface Gathered {
  /** To be disposed by the caller. */
  readonly meters: readonly (Meter & { readonly threads: number })[];
  readonly refused: readonly Refusal[];
}

/** One meter an engine, in their order; `tell` hears of each that is left out. */
export async function gatherMeters(
  engines: readonly BenchEngineName[],
  threads: number | undefined,
  start: StartMeter,
  tell: (text: string) => void,
): Promise<Gathered> {
  const meters: (Meter & { readonly threads: number })[] = [];
  const refused: Refusal[] = [];
  for (const engine of engines) {
    try {
      meters.push(await start(engine, threads));
    } catch (error) {
      const reason = error instanceof Error ? error.message.trim().replace(/\s*\n\s*/g, ' ') : String(error);
      refused.push({ engine, reason });
      tell(`${engine} is left out: ${reason}`);
    }
  }
  return { meters, refused };
}

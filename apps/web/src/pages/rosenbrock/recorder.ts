/** A race that keeps what it has seen until it is asked for: the worker's part of the page, without the worker. */
import { COLUMNS } from './contract.js';
import type { Chunk } from './contract.js';
import type { Race, Standing } from './race.js';
import { RACERS } from './entrants.js';
import type { RacerId } from './entrants.js';

export class Recorder {
  private readonly rows: Record<RacerId, number[]>;
  private from = 0;

  /** Records the start as step 0. Owns the race. */
  constructor(readonly race: Race) {
    this.rows = Recorder.empty();
    this.record();
  }

  /** At most `count` steps, fewer when the race ends or `isLate` says so after one. */
  advance(count: number, isLate: () => boolean = () => false): void {
    for (let step = 0; step < count && !this.race.finished; step++) {
      this.race.step();
      this.record();
      if (isLate()) return;
    }
  }

  /** What was recorded since the last call. */
  take(): Chunk {
    const rows = Object.fromEntries(
      RACERS.map((id) => [id, Float64Array.from(this.rows[id])]),
    ) as Chunk['rows'];
    const count = this.rows.full.length / COLUMNS.length;
    const chunk: Chunk = { from: this.from, count, rows };
    for (const id of RACERS) this.rows[id].length = 0;
    this.from += count;
    return chunk;
  }

  dispose(): void {
    this.race.dispose();
  }

  private static empty(): Record<RacerId, number[]> {
    return Object.fromEntries(RACERS.map((id) => [id, []])) as unknown as Record<RacerId, number[]>;
  }

  private record(): void {
    const standings = this.race.standings();
    for (const id of RACERS) this.rows[id].push(...row(standings[id]));
  }
}

function row(standing: Standing | undefined): readonly number[] {
  if (standing === undefined) return COLUMNS.map(() => NaN);
  return [...standing.place, standing.value, ...standing.matrix];
}

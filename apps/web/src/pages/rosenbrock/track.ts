/** What the page knows of a race: every step of every racer so far, and what the charts make of it. */
import type { ChartData } from '../../ui/live-chart.js';
import { COLUMNS } from './contract.js';
import type { Chunk } from './contract.js';
import { axes } from './landscape.js';
import type { Point, Symmetric } from './landscape.js';
import { RACERS } from './entrants.js';
import type { RacerId } from './entrants.js';

/** One racer after one step. */
export interface Moment {
  readonly place: Point;
  readonly value: number;
  readonly matrix: Symmetric;
}

/** Points of a line in a chart: more than a line has pixels. */
const CHART_POINTS = 800;

/** Lines of the chart of rates: racers at a rate have one, preconditioners two, their eigenvalues. */
export const RATE_LINES = [
  ['best', 'large'],
  ['fixed', 'large'],
  ['sgdApo', 'large'],
  ['diagonal', 'large'],
  ['diagonal', 'small'],
  ['full', 'large'],
  ['full', 'small'],
] as const satisfies readonly (readonly [RacerId, 'large' | 'small'])[];

export class Track {
  private readonly columns: Readonly<Record<RacerId, number[]>> = Object.fromEntries(
    RACERS.map((id) => [id, []]),
  ) as unknown as Record<RacerId, number[]>;
  private recorded = 0;

  /** Steps taken; the start is step 0. */
  get steps(): number {
    return Math.max(0, this.recorded - 1);
  }

  /** Appends. @throws RangeError when steps are missing in between. */
  add({ from, count, rows }: Chunk): void {
    if (from !== this.recorded)
      throw new RangeError(`The chunk starts at ${from}; expected ${this.recorded}.`);
    for (const id of RACERS) this.columns[id].push(...rows[id]);
    this.recorded += count;
  }

  /** undefined where a racer has diverged, or no step was recorded. */
  at(id: RacerId, step: number): Moment | undefined {
    const offset = step * COLUMNS.length;
    const column = this.columns[id];
    const value = column[offset + 2];
    if (value === undefined || Number.isNaN(value)) return undefined;
    return {
      place: [column[offset]!, column[offset + 1]!],
      value,
      matrix: [column[offset + 3]!, column[offset + 4]!, column[offset + 5]!],
    };
  }

  /** The last moment before a racer diverged, or its latest. */
  latest(id: RacerId): Moment | undefined {
    const lost = this.lostAt(id);
    return this.at(id, lost === undefined ? this.steps : lost - 1);
  }

  /** The step at which a racer had diverged. */
  lostAt(id: RacerId): number | undefined {
    // Once NaN, always NaN.
    if (this.recorded === 0 || this.at(id, this.steps) !== undefined) return undefined;
    let [there, gone] = [0, this.steps];
    while (gone - there > 1) {
      const middle = (there + gone) >> 1;
      if (this.at(id, middle) === undefined) gone = middle;
      else there = middle;
    }
    return gone;
  }

  /** At most about `most` steps, evenly, the first and the last among them. */
  sampled(most: number): number[] {
    const stride = Math.max(1, Math.ceil(this.steps / most));
    const steps: number[] = [];
    for (let step = 0; step < this.steps; step += stride) steps.push(step);
    if (this.recorded > 0) steps.push(this.steps);
    return steps;
  }

  /** f of every racer, in the order of RACERS. */
  values(): ChartData {
    const x = this.sampled(CHART_POINTS);
    return { x, series: RACERS.map((id) => x.map((step) => this.at(id, step)?.value ?? null)) };
  }

  /** Rates and eigenvalues, in the order of RATE_LINES. */
  rates(): ChartData {
    const x = this.sampled(CHART_POINTS);
    const series = RATE_LINES.map(([id, which]) =>
      x.map((step) => {
        const moment = this.at(id, step);
        return moment === undefined ? null : axes(moment.matrix)[which];
      }),
    );
    return { x, series };
  }
}

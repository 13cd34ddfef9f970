/** One subject on several meters in turn, round after round, so that a busy moment of the machine hits all of them alike. */
import { median, relativeSpread } from './statistics.js';
import type { Subject, SubjectMeter } from './subject.js';

export interface Timing {
  /** Median over rounds of the time of a step; absent when the meter refused the subject. */
  readonly milliseconds?: number;
  /** Half the interquartile range divided by the median. */
  readonly spread?: number;
  /** Why there is no time. */
  readonly reason?: string;
}

export interface RoundRobinOptions {
  readonly rounds: number;
  /** Each measurement takes at least this long. */
  readonly seconds: number;
}

/** @returns The timing of each meter, in their order. */
export async function roundRobin(
  meters: readonly SubjectMeter[],
  subject: Subject,
  { rounds, seconds }: RoundRobinOptions,
): Promise<Timing[]> {
  const reasons = await prepareAll(meters, subject);
  const times = meters.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, meter] of meters.entries()) {
      if (reasons[i] !== undefined) continue;
      const { steps, seconds: taken } = await meter.measure(subject, { steps: 1, seconds });
      times[i]!.push((1000 * taken) / steps);
    }
  }
  return times.map((own, i) => {
    const reason = reasons[i];
    return reason === undefined ? { milliseconds: median(own), spread: relativeSpread(own) } : { reason };
  });
}

/** Prepares the subject on each meter. @returns For each the reason when it cannot, else `undefined`. */
export async function prepareAll(
  meters: readonly SubjectMeter[],
  subject: Subject,
): Promise<(string | undefined)[]> {
  const reasons: (string | undefined)[] = [];
  for (const meter of meters) {
    try {
      await meter.prepare(subject);
      reasons.push(undefined);
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  return reasons;
}

/** How each racer is named and drawn. */
import type { ChartSeries } from '../../ui/live-chart.js';
import { RACERS } from './entrants.js';
import type { RacerId } from './entrants.js';
import { RATE_LINES } from './track.js';

export interface Look {
  readonly label: string;
  readonly color: `--${string}`;
}

export const LOOKS: Readonly<Record<RacerId, Look>> = {
  best: { label: 'SGD, best fixed rate', color: '--data-6' },
  fixed: { label: 'SGD, your rate', color: '--data-fixed' },
  sgdApo: { label: 'SGD-APO', color: '--data-3' },
  diagonal: { label: 'APO, diagonal P', color: '--data-4' },
  full: { label: 'APO-Precond, full P', color: '--data-tuned' },
};

/** Strokes and gaps of the line of a smaller eigenvalue. */
const SMALLER = [5, 4];

export const VALUE_SERIES: readonly ChartSeries[] = RACERS.map((id) => LOOKS[id]);

export const RATE_SERIES: readonly ChartSeries[] = RATE_LINES.map(([id, which]) => ({
  ...LOOKS[id],
  ...(which === 'small' && { dash: SMALLER }),
}));

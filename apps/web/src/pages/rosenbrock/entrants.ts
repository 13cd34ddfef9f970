/** The names of who races and what is fixed about them: all that the page needs to know of `racers.ts`, which brings tensors along. */

export const RACERS = ['best', 'fixed', 'sgdApo', 'diagonal', 'full'] as const;
export type RacerId = (typeof RACERS)[number];

/** Adam for P: under `paper` as the paper has it for this function; under `auto` faster than the default, which is made for networks. */
export const ADAPTATION = {
  paper: { learningRate: 3e-4, beta2: 0.9 },
  auto: { learningRate: 1e-2, beta2: 0.9 },
} as const;

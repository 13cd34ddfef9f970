/**
 * What a meta-step must cost at least, in forward passes F. A base step is 3F (forward, and a backward pass of twice that).
 * A meta-step adds the old prediction on B′ (1F) and forward and backward of both terms at θ′ (3F for B, 3F for B′): 7F.
 * Rejection evaluates both terms once more (2F).
 */
import type { Preset } from '@apo/core';

const BASE_STEP = 3;
const META_STEP: Readonly<Record<Preset, number>> = { paper: 7, auto: 9 };

/** Time of a step with a meta-step every `interval` steps, divided by the time of a base step. */
export function arithmeticLimit(preset: Preset, interval: number): number {
  return 1 + META_STEP[preset] / (BASE_STEP * interval);
}

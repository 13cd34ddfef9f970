/** Learning-rate schedules: multipliers of the base rate as pure functions of the step, in [0, ∞). They know nothing of φ: what is learned is the base rate. */
import { requireArgument, requireInteger, requireNumber } from './errors.js';

/** The multiplier at `step`, which is 1 for the first step. */
export type Schedule = (step: number) => number;

/** The same multiplier at every step. @throws ApoError `INVALID_ARGUMENT` unless `multiplier` is finite and ≥ 0. */
export function constant(multiplier = 1): Schedule {
  requireNumber('multiplier', multiplier, { min: 0 });
  return () => multiplier;
}

export type StepDecayOptions = {
  /** Multiplier of each decay, in (0, 1]. */
  readonly factor: number;
} & (
  | {
      /** Decay after every so many steps. */
      readonly every: number;
      readonly milestones?: never;
    }
  | {
      /** Decay after each of these steps; they increase strictly. */
      readonly milestones: readonly number[];
      readonly every?: never;
    }
);

/**
 * factor^k, where k is the number of decays before `step`: step `every` (or a milestone) is the last one before a decay.
 * @throws ApoError `INVALID_ARGUMENT` for a factor outside (0, 1], both or neither of `every` and `milestones`, or
 * milestones that do not increase.
 */
export function stepDecay(options: StepDecayOptions): Schedule {
  const { factor, every, milestones } = options;
  requireNumber('factor', factor, { min: 0, max: 1, exclusive: true });
  requireArgument(
    (every === undefined) !== (milestones === undefined),
    () =>
      'stepDecay takes exactly one of every (a number of steps) and milestones (a list of steps); got both or neither.',
  );
  if (every !== undefined) {
    requireInteger('every', every, 1);
    return (step) => factor ** Math.floor((step - 1) / every);
  }
  const decays = milestones.map((milestone, i) => requireInteger(`milestones[${i}]`, milestone, 1));
  requireArgument(
    decays.every((milestone, i) => i === 0 || milestone > decays[i - 1]!),
    () => `milestones are [${decays.join(', ')}]; expected whole numbers that increase strictly.`,
  );
  return (step) => factor ** decays.filter((milestone) => milestone < step).length;
}

export interface CosineOptions {
  /** Length of the schedule, warm-up included; from then on the multiplier is `floor`. */
  readonly steps: number;
  /** Steps of linear warm-up at the start, less than `steps` (default 0). */
  readonly warmup?: number;
  /** Where the curve ends, in [0, 1] (default 0). */
  readonly floor?: number;
}

/**
 * Half a cosine from 1 to `floor` (Loshchilov & Hutter 2017, without restarts), after an optional linear warm-up.
 * The first step after the warm-up has the multiplier 1; step `steps`, the last one, is just above `floor`.
 * @throws ApoError `INVALID_ARGUMENT` for options out of range.
 */
export function cosine(options: CosineOptions): Schedule {
  const { steps, warmup = 0, floor = 0 } = options;
  requireInteger('steps', steps, 1);
  requireInteger('warmup', warmup, 0);
  requireNumber('floor', floor, { min: 0, max: 1 });
  requireArgument(
    warmup < steps,
    () =>
      `warmup is ${warmup} of ${steps} steps; expected fewer than steps, so that something is left to decay.`,
  );
  const decaying = steps - warmup;
  return (step) => {
    if (step <= warmup) return step / warmup;
    if (step > steps) return floor;
    return floor + ((1 - floor) / 2) * (1 + Math.cos((Math.PI * (step - 1 - warmup)) / decaying));
  };
}

/**
 * min(step / warmup, √(warmup / step)): linear up to 1 at step `warmup`, then falling with the square root
 * (the shape of Vaswani et al. 2017, Sec. 5.3, scaled so that its peak is 1).
 * @throws ApoError `INVALID_ARGUMENT` unless `warmup` is a whole number ≥ 1.
 */
export function inverseSquareRoot(options: { readonly warmup: number }): Schedule {
  const warmup = requireInteger('warmup', options.warmup, 1);
  return (step) => Math.min(step / warmup, Math.sqrt(warmup / step));
}

/**
 * step / steps up to 1 at step `steps`, then `then`, whose own count starts from 1 after the warm-up (default: constant 1).
 * @throws ApoError `INVALID_ARGUMENT` unless `steps` is a whole number ≥ 1.
 */
export function linearWarmup(steps: number, then: Schedule = constant()): Schedule {
  requireInteger('steps', steps, 1);
  return (step) => (step <= steps ? step / steps : then(step - steps));
}

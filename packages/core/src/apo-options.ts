/** The options of `Apo`, and its two presets: `auto`, which needs nothing chosen by hand, and `paper`, which is Algorithm 1 to the letter. A rule may want other defaults under each of them. */
import type { CalibrationOptions } from './calibration.js';
import type { GradientClip } from './clip.js';
import { ApoError, requireArgument, requireInteger, requireNumber } from './errors.js';
import { metaRmsprop } from './meta/meta-optimizer.js';
import type { MetaOptimizer } from './meta/meta-optimizer.js';
import type { Schedule } from './schedule.js';
import type { Lookahead, UpdateRule } from './update-rule.js';

/** Options that a fixed-rate run has, too. */
export interface StepperOptions {
  /** Multiplies the rate of the real step, fixed or learned, as a function of the step; the lookahead does not see it. Default: none. */
  readonly schedule?: Schedule;
  /** Applied to the gradient before the rule sees it. Default: none. */
  readonly clip?: GradientClip;
  /** Seed of the dropout masks and other random layers. Default 0. */
  readonly seed?: number;
}

export type Preset = 'auto' | 'paper';

/** The options whose defaults differ between presets, or that a rule wants to be different. */
export type PresetOptions = Omit<ApoOptions, 'preset' | 'schedule' | 'clip' | 'seed'>;

/** What a rule is and wants under one preset. */
export interface RulePreset {
  /** Over the preset's own defaults, under the user's options. */
  readonly options?: PresetOptions;
  /** The form of the rule that is adapted. Default: the rule itself. */
  readonly rule?: UpdateRule;
}

/** An update rule with defaults of its own for `Apo`; every `UpdateRule` is one. */
export interface ApoRule extends UpdateRule {
  readonly presets?: Readonly<Partial<Record<Preset, RulePreset>>>;
}

export interface ApoOptions extends StepperOptions {
  /** Where the other defaults come from. Default `auto`. */
  readonly preset?: Preset;
  /** K: steps between meta-steps, ≥ 1. 10 in both presets. */
  readonly interval?: number;
  /** K = 1 for this many first steps. `auto`: 20, because the best rate moves fastest there; `paper`: 0. */
  readonly denseSteps?: number;
  /**
   * λ_FSD ≥ 0, weight of the function-space discrepancy, or a function that gives it for a step (1 for the first). One that grows
   * with the step averages the noise of the batches away: on least squares, with ρ over all earlier batches and Q minimised exactly,
   * step − 1 would be recursive least squares. Default 0.3.
   */
  readonly lambdaFsd?: number | Schedule;
  /** λ_WSD ≥ 0, weight of the weight-space discrepancy. Default 0. */
  readonly lambdaWsd?: number;
  /** How φ moves. Both presets: RMSprop at 0.1; `auto` with decay 0.9 and bias correction (decay 0.99 freezes after a spike), `paper` with 0.99 and none. */
  readonly metaOptimizer?: MetaOptimizer;
  /** Which batch the loss term is evaluated on. `other` makes the rate collapse (short-horizon bias, App. D) and is there for that ablation. Default `same`. */
  readonly lossBatch?: 'same' | 'other';
  /** Which batch the function-space term is evaluated on; `same` (Eq. 14) shares a prediction with the loss term. Default `other`. */
  readonly fsdBatch?: 'other' | 'same';
  /** Find the initial rate on the first batch (acceptance ratio). `auto`: true; `paper`: false. */
  readonly calibrate?: boolean | CalibrationOptions;
  /** Largest |Δ log η| by which the meta-optimizer moves in one meta-step, in nats; `false` for no limit. `auto`: 0.3; `paper`: false. */
  readonly maxLogChange?: number | false;
  /** Undo a meta-step that makes Q worse or non-finite; costs two forward passes each. `auto`: true; `paper`: false. */
  readonly reject?: boolean;
  /**
   * After a meta-step whose lookahead still raises the objective on its own batch, shorten η to the minimum of the parabola
   * through both values; tenfold at most, and so where Q is not finite. Beyond `maxLogChange`, which bounds the meta-optimizer
   * alone. Shares the forward passes of `reject`. `auto`: true; `paper`: false.
   */
  readonly backtrack?: boolean;
  /** How far Q looks ahead. `auto`: the rule's own (`step` for SGD and RMSprop, `committed` for momentum, 4 × for Adam); `paper`: `step`. */
  readonly lookahead?: Lookahead;
  /** Move θ by another rule for the first `steps` steps while φ is already being learned; `false` for none, the default of most rules. */
  readonly warmup?: Warmup | false;
  /** c > 0: multiplies every real step, on top of the schedule. The lookahead does not see it; `lookahead: {factor: c}` makes it. Default 1. */
  readonly scale?: number;
}

export interface Warmup {
  readonly rule: UpdateRule;
  readonly steps: number;
}

/** Options with every default filled in. */
export interface ResolvedApoOptions extends StepperOptions {
  readonly interval: number;
  readonly denseSteps: number;
  readonly lambdaFsd: number | Schedule;
  readonly lambdaWsd: number;
  readonly metaOptimizer: MetaOptimizer;
  readonly lossBatch: 'same' | 'other';
  readonly fsdBatch: 'other' | 'same';
  readonly calibration: CalibrationOptions | undefined;
  readonly maxLogChange: number | undefined;
  readonly reject: boolean;
  readonly backtrack: boolean;
  readonly lookahead: Lookahead;
  readonly warmup?: Warmup;
  readonly scale: number;
}

/** The form of `rule` that is adapted under a preset. */
export function presetRule(rule: ApoRule, preset: Preset = 'auto'): UpdateRule {
  return rule.presets?.[preset]?.rule ?? rule;
}

/** What the presets differ in. */
function presetDefaults(
  preset: Preset,
  rule: UpdateRule,
): Required<
  Pick<
    ApoOptions,
    'denseSteps' | 'metaOptimizer' | 'calibrate' | 'maxLogChange' | 'reject' | 'backtrack' | 'lookahead'
  >
> {
  switch (preset) {
    case 'auto':
      return {
        denseSteps: 20,
        metaOptimizer: metaRmsprop({ decay: 0.9, biasCorrection: true }),
        calibrate: rule.logLearningRate !== undefined,
        maxLogChange: 0.3,
        reject: true,
        backtrack: true,
        lookahead: rule.defaultLookahead ?? 'step',
      };
    case 'paper':
      return {
        denseSteps: 0,
        metaOptimizer: metaRmsprop(),
        calibrate: false,
        maxLogChange: false,
        reject: false,
        backtrack: false,
        lookahead: 'step',
      };
    default:
      preset satisfies never;
      throw new ApoError('INVALID_ARGUMENT', `preset is "${String(preset)}"; expected "auto" or "paper".`);
  }
}

/** λ_FSD at `step`. @throws ApoError `INVALID_ARGUMENT` unless it is finite and ≥ 0. */
export function lambdaFsdAt(lambdaFsd: number | Schedule, step: number): number {
  return typeof lambdaFsd === 'function'
    ? requireNumber(`lambdaFsd(${step})`, lambdaFsd(step), { min: 0 })
    : requireNumber('lambdaFsd', lambdaFsd, { min: 0 });
}

/** Fills in the preset's defaults. @throws ApoError `INVALID_ARGUMENT`, or `UNSUPPORTED` for a combination that the rule cannot do. */
export function resolveApoOptions(asked: ApoRule, options: ApoOptions): ResolvedApoOptions {
  const { preset = 'auto' } = options;
  const rule = presetRule(asked, preset);
  const { warmup, ...chosen } = {
    ...presetDefaults(preset, rule),
    ...asked.presets?.[preset]?.options,
    ...withoutUndefined(options),
  };
  const { interval = 10, lambdaFsd = 0.3, lambdaWsd = 0, lossBatch = 'same', fsdBatch = 'other' } = chosen;
  const { denseSteps, metaOptimizer, calibrate, maxLogChange, reject, backtrack, lookahead } = chosen;
  const { scale = 1 } = chosen;
  requireInteger('interval', interval, 1);
  requireInteger('denseSteps', denseSteps, 0);
  lambdaFsdAt(lambdaFsd, 1);
  requireNumber('lambdaWsd', lambdaWsd, { min: 0 });
  if (maxLogChange !== false) requireNumber('maxLogChange', maxLogChange, { min: 0, exclusive: true });
  requireChoice('lossBatch', lossBatch, ['same', 'other']);
  requireChoice('fsdBatch', fsdBatch, ['same', 'other']);
  requireNumber('scale', scale, { min: 0, exclusive: true });
  if (warmup) requireInteger('warmup.steps', warmup.steps, 1);
  requireLookahead(rule, lookahead);
  if (calibrate !== false && rule.logLearningRate === undefined) {
    throw new ApoError(
      'UNSUPPORTED',
      `The rule "${rule.name}" has no learning rate to calibrate; set calibrate: false.`,
    );
  }
  return {
    ...chosen,
    ...(warmup && { warmup }),
    scale,
    interval,
    denseSteps,
    lambdaFsd,
    lambdaWsd,
    metaOptimizer,
    lossBatch,
    fsdBatch,
    calibration: calibrate === false ? undefined : checkedCalibration(calibrate === true ? {} : calibrate),
    maxLogChange: maxLogChange === false ? undefined : maxLogChange,
    reject,
    backtrack,
    lookahead,
  };
}

function requireLookahead(rule: UpdateRule, lookahead: Lookahead): void {
  if (typeof lookahead === 'object') {
    requireNumber('lookahead.factor', lookahead.factor, { min: 0, exclusive: true });
    return;
  }
  requireChoice('lookahead', lookahead, ['step', 'committed']);
  if (lookahead === 'committed' && !rule.committed) {
    throw new ApoError(
      'UNSUPPORTED',
      `The rule "${rule.name}" has no committed lookahead; use lookahead: 'step', or {factor: 4} to look further ahead.`,
    );
  }
}

function checkedCalibration(options: CalibrationOptions): CalibrationOptions {
  if (options.ratio !== undefined)
    requireArgument(
      options.ratio > 0 && options.ratio < 1,
      () => `calibrate.ratio is ${String(options.ratio)}; expected a number between 0 and 1.`,
    );
  if (options.evaluations !== undefined) requireInteger('calibrate.evaluations', options.evaluations, 1);
  if (options.range !== undefined) {
    const [low, high] = options.range;
    requireNumber('calibrate.range[0]', low, { min: 0, exclusive: true });
    requireNumber('calibrate.range[1]', high, { min: low, exclusive: true });
  }
  return options;
}

function requireChoice(what: string, value: string, choices: readonly string[]): void {
  requireArgument(
    choices.includes(value),
    () => `${what} is "${value}"; expected one of ${choices.join(', ')}.`,
  );
}

function withoutUndefined(options: ApoOptions): ApoOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

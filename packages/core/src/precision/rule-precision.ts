/** An update rule in 16 bits: the gradients it sees, its state, its direction, the preconditioner it applies, and the θ′ it gives. */
import type { ApoRule, Preset, PresetOptions, RulePreset } from '../apo-options.js';
import { requireArgument } from '../errors.js';
import { mapTensors } from '../tensor-map.js';
import type { DirectionInput, RuleState, TensorMap } from '../update-rule.js';
import { contract } from '../vjp.js';
import { requirePrecision } from './format.js';
import type { Precision } from './format.js';
import { roundMap, roundTo } from './round.js';

/** What stays in float32 between steps, and is rounded only where it is used. */
export interface MasterCopies {
  /** θ. Give `masterWeights` to `withPrecision` as well. Default false. */
  readonly weights?: boolean;
  /** The optimizer's state: momentum, moments. Default false. */
  readonly state?: boolean;
}

export interface RulePrecisionOptions {
  /** True: all of them; false, the default, as in the paper: none. */
  readonly masterCopies?: boolean | MasterCopies;
}

/**
 * The same rule in `bf16` or `fp16`, for `Apo` and `RuleOptimizer`. Rounded: gradients and the cotangent v on their way in, state,
 * direction and committed lookahead, every entry of φ but the logarithm of the learning rate wherever it is used, and θ′.
 * Stored φ and ∂Q/∂φ are float32, since a step of 1e−4 on a preconditioner near 1 is lost in 16 bits; `withMetaPrecision` stores
 * φ in 16 bits, too. The arithmetic of the rule is float32.
 *
 * In `fp16` Adam's and RMSprop's second moments below 2⁻²⁵ ≈ 3e−8 become zero, and the direction there is m/ε, which may
 * overflow: use a larger `epsilon` (1e−4), or `masterCopies: { state: true }`. A step with η|d| below half the spacing at θ (|θ|/256
 * in `bf16`, |θ|/2048 in `fp16`, at most) does not move θ.
 *
 * Under the preset `auto`, calibration forgives what J cannot resolve (2⁻⁸ of it in `bf16`, 2⁻¹¹ in `fp16`: `calibrate.resolution`),
 * and `backtrack` is off, since a rise of Q within that is no reason to cut the learning rate; both are options of `Apo` still.
 *
 * `update` and `withLayers` are not offered, so that gradient and direction are rounded in every step.
 * @throws ApoError `INVALID_ARGUMENT` for another precision or option.
 */
export function withRulePrecision(
  rule: ApoRule,
  precision: Precision,
  options: RulePrecisionOptions = {},
): ApoRule {
  requirePrecision(precision);
  const master = resolveMasterCopies(options.masterCopies ?? false);
  const wrapped = (other: ApoRule): ApoRule => withRulePrecision(other, precision, options);

  const round = (map: TensorMap): TensorMap => roundMap(map, precision);
  const used = (phi: TensorMap): TensorMap =>
    mapTensors(phi, (tensor, name) =>
      name === rule.logLearningRate || tensor.dtype !== 'float32' ? tensor : roundTo(tensor, precision),
    );
  const storedState = (state: RuleState, done?: Map<TensorMap[string], TensorMap[string]>): RuleState =>
    master.state ? state : mapSlots(state, (slot) => roundMap(slot, precision, done));
  const seen = (input: DirectionInput): DirectionInput => ({ ...input, gradients: round(input.gradients) });

  // Every member, so that one that the contract gains has to be decided on here.
  const members: { readonly [K in keyof Required<ApoRule>]: ApoRule[K] | undefined } = {
    name: `${rule.name}-${precision}`,
    initialPhi: (variables) => rule.initialPhi(variables),
    initialState: (variables) => storedState(rule.initialState(variables)),
    direction(input) {
      const { direction, drift, state } = rule.direction(seen(input));
      // One tensor may be direction and state at once.
      const done = new Map<TensorMap[string], TensorMap[string]>();
      return {
        direction: roundMap(direction, precision, done),
        ...(drift && { drift: roundMap(drift, precision, done) }),
        state: storedState(state, done),
      };
    },
    committed:
      rule.committed &&
      ((input) => {
        const { direction, momentum } = rule.committed!(seen(input));
        return { direction: round(direction), momentum: round(momentum) };
      }),
    apply(variables, phi, direction) {
      const next = rule.apply(variables, used(phi), direction);
      return master.weights ? next : round(next);
    },
    update: undefined,
    vjp: (input) => contract(rule, { ...input, phi: used(input.phi), cotangent: round(input.cotangent) }),
    wantsLayers: undefined,
    withLayers: undefined,
    logLearningRate: rule.logLearningRate,
    learningRateGroups: rule.learningRateGroups && ((variables) => rule.learningRateGroups!(variables)),
    diagnostics: rule.diagnostics && ((phi) => rule.diagnostics!(used(phi))),
    defaultLookahead: rule.defaultLookahead,
    presets: presetsIn(precision, rule, wrapped),
  };
  return Object.fromEntries(
    Object.entries(members).filter(([, member]) => member !== undefined),
  ) as unknown as ApoRule;
}

function resolveMasterCopies(choice: boolean | MasterCopies): Required<MasterCopies> {
  const { weights = false, state = false } =
    typeof choice === 'object' ? choice : { weights: choice, state: choice };
  requireArgument(
    typeof weights === 'boolean' && typeof state === 'boolean',
    () =>
      `masterCopies is ${JSON.stringify(choice)}; expected true, false or { weights, state } with booleans.`,
  );
  return { weights, state };
}

/** Two values of J closer than this part of it are the same: activations carry this many bits. */
const RESOLUTION: Readonly<Record<Precision, number>> = { bf16: 2 ** -8, fp16: 2 ** -11 };

/** The presets of the rule, their forms of it and their warm-up rules wrapped; `auto` allows for the resolution of J. */
function presetsIn(
  precision: Precision,
  rule: ApoRule,
  wrapped: (rule: ApoRule) => ApoRule,
): NonNullable<ApoRule['presets']> {
  const coarse = (options: PresetOptions = {}): PresetOptions => {
    const { calibrate = rule.logLearningRate !== undefined } = options;
    if (calibrate === false) return { ...options, backtrack: false };
    const resolution = RESOLUTION[precision];
    return {
      ...options,
      backtrack: false,
      calibrate: { resolution, ...(calibrate === true ? {} : calibrate) },
    };
  };
  const preset = (name: Preset): RulePreset => {
    const { rule: form, options = {} } = rule.presets?.[name] ?? {};
    const { warmup } = options;
    return {
      ...(form && { rule: wrapped(form) }),
      options: {
        ...(name === 'auto' ? coarse(options) : options),
        ...(warmup && { warmup: { ...warmup, rule: wrapped(warmup.rule) } }),
      },
    };
  };
  return { auto: preset('auto'), paper: preset('paper') };
}

function mapSlots(state: RuleState, f: (slot: TensorMap) => TensorMap): RuleState {
  return Object.fromEntries(Object.entries(state).map(([name, slot]) => [name, f(slot)]));
}

/** A rule at work on an objective's variables: owns φ and the rule's state, gives directions and proposes θ′. */
import * as tf from '@tensorflow/tfjs-core';
import { ApoError, requireArgument } from './errors.js';
import type { LayerFilter } from './layer-use.js';
import type { OptimizerState } from './optimizer.js';
import type { Schedule } from './schedule.js';
import {
  byName,
  displaced,
  flattenState,
  mapTensors,
  replaceKept,
  scaled,
  stateTensors,
} from './tensor-map.js';
import type {
  CapturedLayers,
  CommittedOutput,
  DirectionInput,
  RuleState,
  TensorMap,
  UpdateRule,
} from './update-rule.js';

/** What one gradient gives: the rule's next state, its direction and, if asked for, the committed lookahead. */
export interface Advance {
  readonly step: number;
  /** The rule for this direction: the runner's own, or what it makes of the layers that the gradient came from. */
  readonly rule: UpdateRule;
  readonly state: RuleState;
  readonly direction: TensorMap;
  readonly drift?: TensorMap;
  readonly committed?: CommittedOutput;
}

export interface AdvanceOptions {
  /** Also the committed lookahead. Default false. */
  readonly wantCommitted?: boolean;
  /** What the pass recorded, if it did: of this very gradient. */
  readonly layers?: CapturedLayers | undefined;
}

export class RuleRunner {
  phi: TensorMap;
  private ruleState: RuleState;
  /** Live views of the variables, by name. */
  readonly variables: TensorMap;

  constructor(
    readonly rule: UpdateRule,
    private readonly list: readonly tf.Variable[],
    private readonly schedule: Schedule = () => 1,
  ) {
    this.variables = byName(list);
    [this.phi, this.ruleState] = tf.tidy(() => {
      const phi = rule.initialPhi(list);
      const state = rule.initialState(list);
      replaceKept([], [...Object.values(phi), ...stateTensors(state)]);
      return [phi, state];
    });
  }

  /** The layers that the rule can do something with; `undefined` for none. */
  get wantedLayers(): LayerFilter | undefined {
    return this.rule.withLayers && this.rule.wantsLayers?.(this.list);
  }

  /** The direction after gradient g, and the state that goes with it; all belongs to the current tidy until `commit`. */
  advance(
    gradients: TensorMap,
    step: number,
    { wantCommitted = false, layers }: AdvanceOptions = {},
  ): Advance {
    const rule = this.ruleAt(layers);
    const input = this.directionInput(gradients, step);
    const committed = wantCommitted ? rule.committed?.(input) : undefined;
    return { step, rule, ...rule.direction(input), ...(committed && { committed }) };
  }

  private ruleAt(layers: CapturedLayers | undefined): UpdateRule {
    return (layers && this.rule.withLayers?.(layers)) ?? this.rule;
  }

  private directionInput(gradients: TensorMap, step: number): DirectionInput {
    return { variables: this.variables, gradients, state: this.ruleState, step };
  }

  /**
   * Takes the state of `advance` over, and moves θ ← u(θ, φ, schedule · d) unless another rule moves θ.
   * @throws ApoError `INVALID_ARGUMENT`, before anything has moved, when the rule's θ′ lacks a variable or has another shape.
   */
  commit({ step, rule, direction, drift, state }: Advance, moveVariables = true): void {
    if (moveVariables) {
      const start = displaced(this.variables, drift);
      this.assign(rule.apply(start, this.phi, scaled(direction, this.factor(step))));
    }
    this.takeState(state);
  }

  /** `advance` and `commit` at once, in one pass where the engine has a kernel for this rule. Throws as `commit` does. */
  move(gradients: TensorMap, step: number, layers?: CapturedLayers): void {
    const rule = this.ruleAt(layers);
    const input = this.directionInput(gradients, step);
    const output = rule.update?.(input, this.phi, this.factor(step));
    if (output === undefined) {
      this.commit({ step, rule, ...rule.direction(input) });
      return;
    }
    this.assign(output.variables);
    this.takeState(output.state);
  }

  private assign(next: TensorMap): void {
    for (const { name, shape } of this.list) {
      requireArgument(
        next[name]?.shape.join() === shape.join(),
        () =>
          `the rule "${this.rule.name}" gave ${next[name] ? `[${next[name].shape.join(', ')}]` : 'nothing'} for "${name}"; expected [${shape.join(', ')}].`,
      );
    }
    for (const variable of this.list) variable.assign(next[variable.name]!);
  }

  private takeState(state: RuleState): void {
    replaceKept(stateTensors(this.ruleState), stateTensors(state));
    this.ruleState = state;
  }

  /** φ ← next (kept; the old tensors are disposed). */
  setPhi(next: TensorMap): void {
    replaceKept(Object.values(this.phi), Object.values(next));
    this.phi = next;
  }

  /** Names of the learning rates, in order; empty for a rule without one. */
  get groups(): readonly string[] {
    return this.rule.logLearningRate === undefined
      ? []
      : (this.rule.learningRateGroups?.(this.list) ?? ['all']);
  }

  /** The schedule's multiplier at `step`. */
  factor(step: number): number {
    return this.schedule(Math.max(step, 1));
  }

  /** Learning rates by group at `step`, schedule included; empty for a rule without one. */
  async learningRates(step: number): Promise<Record<string, number>> {
    const entry = this.rule.logLearningRate;
    if (entry === undefined) return {};
    const values = await this.phi[entry]!.data();
    return Object.fromEntries(
      this.groups.map((group, i) => [group, Math.exp(values[i]!) * this.factor(step)]),
    );
  }

  /** The rule's own readings of φ; empty for a rule without any. */
  async diagnostics(): Promise<Record<string, number>> {
    const scalars = Object.entries(tf.tidy(() => this.rule.diagnostics?.(this.phi) ?? {}));
    try {
      const readings = await Promise.all(scalars.map(([, scalar]) => scalar.data()));
      return Object.fromEntries(scalars.map(([name], i) => [name, readings[i]![0]!]));
    } finally {
      tf.dispose(scalars.map(([, scalar]) => scalar));
    }
  }

  /** φ and state as one map under `prefix`; the tensors stay this runner's. */
  tensors(prefix: string): TensorMap {
    return { ...flattenState(prefix, { phi: this.phi }), ...flattenState(`${prefix}/state`, this.ruleState) };
  }

  /** Copies φ and state from what `tensors(prefix)` gave; `checkTensors` first. */
  restore(prefix: string, tensors: TensorMap): void {
    this.phi = restoreState(prefix, { phi: this.phi }, tensors)['phi']!;
    this.ruleState = restoreState(`${prefix}/state`, this.ruleState, tensors);
  }

  dispose(): void {
    tf.dispose([...Object.values(this.phi), ...stateTensors(this.ruleState)]);
  }
}

/** Copies of the tensors that `flattenState(prefix, state)` would name, kept; those of `state` are disposed. */
export function restoreState(prefix: string, state: RuleState, tensors: TensorMap): RuleState {
  return tf.tidy(() => {
    const restored: RuleState = Object.fromEntries(
      Object.entries(state).map(([slot, map]) => [
        slot,
        mapTensors(map, (_, name) => tf.clone(tensors[`${prefix}/${slot}/${name}`]!)),
      ]),
    );
    replaceKept(stateTensors(state), stateTensors(restored));
    return restored;
  });
}

/**
 * Checks a state before any of it is taken.
 * @throws ApoError `CHECKPOINT_MISMATCH` unless `given` has the tensors (names, shapes) and the kinds of values of `expected`,
 * and the same name and learning-rate groups.
 */
export function checkState(expected: OptimizerState, given: OptimizerState): void {
  const problems: string[] = [];
  for (const [name, tensor] of Object.entries(expected.tensors)) {
    const found = given.tensors[name];
    if (found === undefined) problems.push(`${name} is missing`);
    else if (found.shape.join() !== tensor.shape.join())
      problems.push(`${name} is [${found.shape.join(', ')}], expected [${tensor.shape.join(', ')}]`);
  }
  for (const name of Object.keys(given.tensors))
    if (!(name in expected.tensors)) problems.push(`${name} is not known here`);
  for (const [name, value] of Object.entries(expected.values)) {
    const found = given.values[name];
    const mustEqual = name === 'name' || name === 'groups';
    if (mustEqual ? JSON.stringify(found) !== JSON.stringify(value) : !sameKind(found, value))
      problems.push(`${name} is ${JSON.stringify(found)}, here it is ${JSON.stringify(value)}`);
  }
  if (problems.length > 0) {
    const more = problems.length > 5 ? ` (and ${problems.length - 5} more)` : '';
    throw new ApoError(
      'CHECKPOINT_MISMATCH',
      `This optimizer state belongs to another model, rule or set of options: ${problems.slice(0, 5).join('; ')}${more}. Build the optimizer with the options it was saved with.`,
    );
  }
}

/** Both numbers, or lists of numbers of one length. */
function sameKind(found: unknown, value: unknown): boolean {
  if (!Array.isArray(value)) return typeof found === typeof value && Number.isFinite(found);
  return Array.isArray(found) && found.length === value.length && found.every(Number.isFinite);
}

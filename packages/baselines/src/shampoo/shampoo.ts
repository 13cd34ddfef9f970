/** Shampoo (Gupta, Koren & Singer 2018) for tensors of any order, with blocking, grafting and momentum (Anil et al. 2020). */
import * as tf from '@tensorflow/tfjs-core';
import { basePass } from '@apo/core';
import type { Objective, OptimizerState, Outputs, SeededBatch, TensorMap } from '@apo/core';
import { isLinalgError } from '../linalg/linalg-error.js';
import { allFinite, brokenFlags, FiniteGuard } from '../step/finite-guard.js';
import { read, together } from '../step/needs.js';
import type { Needs } from '../step/needs.js';
import { PreparedOptimizer } from '../step/prepared-optimizer.js';
import type { PendingStep } from '../step/begun-step.js';
import { exchanged, mapValues, requireState, shapesOf, zeros } from '../step/state.js';
import { inverseRoots } from './roots.js';
import { resolveShampooOptions } from './shampoo-options.js';
import type { ResolvedShampooOptions, ShampooOptions } from './shampoo-options.js';
import { assemble, axisStatistics, blockRanges, cut, multiplyAxes } from './tensor-block.js';
import type { BlockRange } from './tensor-block.js';

/** By how much ε grows when a statistic has no root or a gradient is not finite. */
const EPSILON_RAISE = 10;

interface ShampooStep extends PendingStep {
  /** Clipped, weight decay included. */
  readonly gradients: TensorMap;
  /** 1 where a gradient is not finite, `[variables]`. */
  readonly broken: tf.Tensor;
  /** Statistics that are new in this step. */
  readonly statistics: TensorMap;
  roots: Readonly<Record<string, { readonly values: Float64Array; readonly side: number }>>;
}

/** Owns all state (`dispose` frees it), never the objective's variables. */
export class Shampoo<B> extends PreparedOptimizer<B, ShampooStep> {
  readonly name = 'shampoo';
  private readonly options: ResolvedShampooOptions;
  private readonly ranges: ReadonlyMap<string, readonly BlockRange[]>;
  private readonly guard = new FiniteGuard();
  /** `statistic/…`, `root/…` by variable, block and axis; `velocity/…`, `firstMoment/…`, `secondMoment/…` by variable. */
  private tensors: TensorMap;
  private observed = 0;
  private epsilon: number;

  /** @throws ApoError `INVALID_ARGUMENT` for an option out of range. */
  constructor(objective: Objective<B>, options: ShampooOptions = {}) {
    const resolved = resolveShampooOptions(options);
    super(objective, resolved);
    this.options = resolved;
    this.epsilon = resolved.epsilon;
    const preconditions = resolved.startStep !== Infinity;
    this.ranges = new Map(
      objective.variables.map(({ name, shape }) => [
        name,
        preconditions && shape.length > 0 ? blockRanges(shape, resolved.maxBlockSize) : [],
      ]),
    );
    this.tensors = zeros(this.stateShapes());
  }

  private stateShapes(): Record<string, readonly number[]> {
    const { momentum, grafting } = this.options;
    const slots = [
      ...(momentum > 0 ? ['velocity'] : []),
      ...(grafting === 'adam' ? ['firstMoment', 'secondMoment'] : []),
    ];
    return Object.fromEntries(
      this.objective.variables.flatMap(({ name, shape }): [string, readonly number[]][] => [
        ...slots.map((slot): [string, readonly number[]] => [`${slot}/${name}`, shape]),
        ...this.keys(name).flatMap(([key, side]): [string, readonly number[]][] => [
          [`statistic/${key}`, [side, side]],
          [`root/${key}`, [side, side]],
        ]),
      ]),
    );
  }

  /** `variable/block/axis` with the axis's side, for every statistic of a variable. */
  private keys(variable: string): [key: string, side: number][] {
    return this.ranges
      .get(variable)!
      .flatMap(({ size }, block) =>
        size.map((side, axis): [string, number] => [`${variable}/${block}/${axis}`, side]),
      );
  }

  private get observesNext(): boolean {
    return this.options.startStep !== Infinity && this.stepCount % this.options.statisticsInterval === 0;
  }

  protected readsNext(): boolean {
    const since = this.stepCount + 1 - this.options.startStep;
    return since >= 0 && since % this.options.rootInterval === 0;
  }

  protected begin(
    batches: readonly SeededBatch<B>[],
    onOutputs: ((outputs: Outputs, index: number) => void) | undefined,
  ): ShampooStep {
    const kept: tf.Tensor[] = [];
    const keep = <T extends tf.Tensor>(tensor: T): T => {
      kept.push(tf.keep(tensor));
      return tensor;
    };
    const dispose = (): void => tf.dispose(kept);
    let step: ShampooStep | undefined;
    try {
      tf.tidy(() => {
        const { loss, gradients } = basePass(this.objective, batches, onOutputs ? { onOutputs } : {});
        const decayed = this.decayed(this.clip?.(gradients) ?? gradients);
        const names = this.objective.variables.map(({ name }) => name);
        step = {
          loss: keep(loss),
          gradients: mapValues(decayed, keep),
          broken: keep(brokenFlags(names.map((name) => [decayed[name]!]))),
          statistics: this.observesNext ? mapValues(this.nextStatistics(decayed), keep) : {},
          roots: {},
          dispose,
        };
      });
      return step!;
    } catch (error) {
      dispose();
      throw error;
    }
  }

  private decayed(gradients: TensorMap): TensorMap {
    const { weightDecay } = this.options;
    if (weightDecay === 0) return gradients;
    return Object.fromEntries(
      this.objective.variables.map((variable) => [
        variable.name,
        tf.add(gradients[variable.name]!, tf.mul(variable as tf.Tensor, weightDecay)),
      ]),
    );
  }

  /** Statistics after this gradient; unchanged where it is not finite. */
  private nextStatistics(gradients: TensorMap): TensorMap {
    const { beta2 } = this.options;
    // The share of the old average in one without bias: β (1 − βᵗ⁻¹)/(1 − βᵗ).
    const count = this.observed + 1;
    const old = beta2 === 1 ? 1 : (beta2 * (1 - beta2 ** (count - 1))) / (1 - beta2 ** count);
    const fresh = beta2 === 1 ? 1 : 1 - old;
    const next: TensorMap = {};
    for (const { name } of this.objective.variables) {
      this.ranges.get(name)!.forEach((range, block) => {
        axisStatistics(cut(gradients[name]!, range)).forEach((product, axis) => {
          const key = `statistic/${name}/${block}/${axis}`;
          const sum = tf.add(tf.mul(this.tensors[key]!, old), tf.mul(product, fresh));
          next[key] = tf.where(allFinite([tf.sum(sum)]), sum, this.tensors[key]!);
        });
      });
    }
    return next;
  }

  protected *settle(pending: ShampooStep): Needs<void> {
    if (!this.readsNext()) return;
    const names = this.objective.variables.map(({ name }) => name);
    yield* this.guard.require(pending.broken, names, () => {
      this.epsilon *= EPSILON_RAISE;
      return `epsilon is now ${this.epsilon.toPrecision(3)}.`;
    });
    const current = { ...this.tensors, ...pending.statistics };
    try {
      const found = yield* together(
        this.objective.variables.map((variable) => this.rootsOf(variable, current)),
      );
      pending.roots = Object.assign({}, ...found) as ShampooStep['roots'];
    } catch (error) {
      if (isLinalgError(error)) this.epsilon *= EPSILON_RAISE;
      throw error;
    }
  }

  /** The roots of one variable, by the names of their tensors. */
  private *rootsOf({ name, rank }: tf.Variable, current: TensorMap): Needs<ShampooStep['roots']> {
    const keys = this.keys(name);
    const values = yield* read(keys.map(([key]) => current[`statistic/${key}`]!));
    const statistics = keys.map(([, side], i) => ({ values: values[i]!, side }));
    const found = yield* inverseRoots(name, statistics, {
      exponent: this.options.rootExponent ?? 2 * rank,
      epsilon: this.epsilon,
      method: this.options.rootMethod,
    });
    return Object.fromEntries(keys.map(([key, side], i) => [`root/${key}`, { values: found[i]!, side }]));
  }

  protected finish({ gradients, broken, statistics, roots }: ShampooStep): void {
    const step = this.stepCount + 1;
    const eta = this.learningRate(step);
    const fresh = Object.fromEntries(
      Object.entries(roots).map(([key, { values, side }]) => [
        key,
        tf.tensor2d(Float32Array.from(values), [side, side]),
      ]),
    );
    const next: TensorMap = { ...this.tensors, ...statistics, ...fresh };
    const isFinite = tf.equal(tf.sum(broken), 0);
    const moved = this.objective.variables.map((variable) => {
      const { name } = variable;
      const { filtered, graft } = this.grafted(next, name, gradients[name]!, step);
      const update =
        step >= this.options.startStep ? this.preconditioned(next, name, filtered, graft) : graft;
      const { momentum } = this.options;
      const velocity = momentum > 0 ? tf.add(tf.mul(next[`velocity/${name}`]!, momentum), update) : update;
      if (momentum > 0) next[`velocity/${name}`] = velocity;
      return tf.sub(variable, tf.mul(velocity, eta));
    });
    this.objective.variables.forEach((variable, i) => {
      variable.assign(tf.where(isFinite, moved[i]!, variable));
    });
    const guarded = mapValues(next, (tensor, name) =>
      tensor === this.tensors[name] || name in statistics || name in fresh
        ? tensor
        : tf.where(isFinite, tensor, this.tensors[name]!),
    );
    this.guard.note(isFinite, broken, this.readsNext());
    this.tensors = exchanged(this.tensors, guarded);
    if (this.observesNext) this.observed++;
  }

  /** What is to be preconditioned, and the step of the grafted method; Adam's moments in `next` advance. */
  private grafted(
    next: TensorMap,
    name: string,
    gradient: tf.Tensor,
    step: number,
  ): { filtered: tf.Tensor; graft: tf.Tensor } {
    if (this.options.grafting !== 'adam') return { filtered: gradient, graft: gradient };
    const { beta1, beta2, epsilon } = this.options.adam;
    const first = tf.add(tf.mul(next[`firstMoment/${name}`]!, beta1), tf.mul(gradient, 1 - beta1));
    const second = tf.add(
      tf.mul(next[`secondMoment/${name}`]!, beta2),
      tf.mul(tf.square(gradient), 1 - beta2),
    );
    next[`firstMoment/${name}`] = first;
    next[`secondMoment/${name}`] = second;
    const filtered = tf.div(first, 1 - beta1 ** step);
    const root = tf.sqrt(tf.div(second, 1 - beta2 ** step));
    return { filtered, graft: tf.div(filtered, tf.add(root, epsilon)) };
  }

  /** The preconditioned gradient at the length of the grafted step. */
  private preconditioned(next: TensorMap, name: string, gradient: tf.Tensor, graft: tf.Tensor): tf.Tensor {
    const ranges = this.ranges.get(name)!;
    if (ranges.length === 0) return graft;
    const blocks = ranges.map((range, block) =>
      multiplyAxes(
        cut(gradient, range),
        range.size.map((_, axis) => next[`root/${name}/${block}/${axis}`]!),
      ),
    );
    const update = assemble(blocks, gradient.shape, this.options.maxBlockSize);
    if (this.options.grafting === 'none') return update;
    const length = tf.norm(update);
    // A zero update stays zero.
    return tf.mul(update, tf.div(tf.norm(graft), tf.where(tf.greater(length, 0), length, 1)));
  }

  protected skippedSteps(): Promise<number> {
    return this.guard.skippedSteps();
  }

  state(): OptimizerState {
    return {
      tensors: { ...this.tensors, ...this.guard.tensors() },
      values: {
        name: this.name,
        groups: ['all'],
        steps: this.stepCount,
        observed: this.observed,
        epsilon: this.epsilon,
        random: this.randomState,
      },
    };
  }

  protected restoreState(state: OptimizerState): void {
    const { tensors, values } = state;
    const guard = FiniteGuard.shapes(tensors, this.objective.variables.length);
    requireState(state, this.name, { ...shapesOf(this.tensors), ...guard }, ['steps', 'observed', 'epsilon']);
    this.tensors = exchanged(
      this.tensors,
      mapValues(this.tensors, (_, name) => tensors[name]!),
    );
    this.guard.restore(tensors);
    this.observed = values['observed'] as number;
    this.epsilon = values['epsilon'] as number;
  }

  protected disposeState(): void {
    tf.dispose(Object.values(this.tensors));
    this.guard.dispose();
  }
}

/**
 * The step that KFAC and EKFAC share: running averages of curvature factors, inverses every so often, preconditioned gradients,
 * KL clip, momentum. What a block is, and how it is inverted, is the subclass's business.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { LayerCapture, Objective, OptimizerState, Outputs, SeededBatch, TensorMap } from '@apo/core';
import { isLinalgError } from '../linalg/linalg-error.js';
import { adaptDamping, reductionRatio } from '../proximal/levenberg-marquardt.js';
import { read, together } from '../step/needs.js';
import type { Needs } from '../step/needs.js';
import { allFinite, FiniteGuard } from '../step/finite-guard.js';
import { PreparedOptimizer } from '../step/prepared-optimizer.js';
import { exchanged, mapValues, prefixed, requireState, shapesOf, zeros } from '../step/state.js';
import type { CurvatureBlock, StateValues } from './block.js';
import {
  averaged,
  copyState,
  createStates,
  decodePlans,
  encodePlans,
  namedShapes,
  namedStates,
  toTensors,
} from './block-states.js';
import type { BlockWithState } from './block-states.js';
import type { ResolvedCurvatureOptions } from './curvature-options.js';
import { curvaturePass, meanMap } from './curvature-pass.js';
import type { CurvatureStep } from './curvature-pass.js';
import { klShortening } from './kl-clip.js';
import { partition, partitionRows, planName } from './partition.js';
import type { BlockPlan, PartitionRow } from './partition.js';
import { reductions } from './reductions.js';

/** By how much λ grows when a factor cannot be inverted or a gradient is not finite. */
const DAMPING_RAISE = 10;

export abstract class CurvatureOptimizer<B> extends PreparedOptimizer<B, CurvatureStep<B>> {
  private blocks: readonly BlockWithState[] = [];
  private velocity: TensorMap;
  private observed = 0;
  private lambda: number;
  private readonly guard = new FiniteGuard();
  /** (J(θ′) − J(θ), M(δ) − M(0)) of the last step, when λ is to follow their ratio. */
  private reduction: tf.Tensor | undefined;

  constructor(
    objective: Objective<B>,
    protected readonly options: ResolvedCurvatureOptions,
  ) {
    super(objective, options);
    this.lambda = options.damping;
    this.velocity = this.zeroVelocity();
  }

  /** The block for one line of the partition. */
  protected abstract makeBlock(plan: BlockPlan): CurvatureBlock;
  /** What the table calls a Kronecker block. */
  protected abstract readonly method: string;

  /** λ of the next step. */
  get damping(): number {
    return this.lambda;
  }

  /** Which variables are preconditioned and how; empty before the first step. */
  get partition(): PartitionRow[] {
    return partitionRows(
      this.blocks.map(({ block }) => block.plan),
      this.objective.variables,
      this.method,
    );
  }

  protected readsNext(): boolean {
    return this.invertsNext || this.reduction !== undefined;
  }

  private get observesNext(): boolean {
    return this.stepCount % this.options.factorInterval === 0;
  }

  /** A plain mean at first, so that the averages are unbiased from the first step. */
  private get keptPart(): number {
    return Math.min(1 - 1 / (this.observed + 1), this.options.decay);
  }

  private get invertsNext(): boolean {
    return this.stepCount % this.options.inverseInterval === 0;
  }

  protected begin(
    batches: readonly SeededBatch<B>[],
    onOutputs: ((outputs: Outputs, index: number) => void) | undefined,
  ): CurvatureStep<B> {
    const { objective, options, clip, blocks, keptPart } = this;
    const fisherSeeds = this.observesNext ? batches.map(() => this.random.integer(0x7fffffff)) : [];
    const createBlocks = (capture: LayerCapture): BlockWithState[] =>
      createStates(partition(capture.uses, objective.variables, options).map((plan) => this.makeBlock(plan)));
    return curvaturePass(
      { objective, options, clip, blocks, keptPart, batches, onOutputs, fisherSeeds, createBlocks },
      this.lambda,
    );
  }

  protected *settle(pending: CurvatureStep<B>): Needs<void> {
    if (this.reduction !== undefined) {
      const [values] = yield* read([this.reduction]);
      const ratio = reductionRatio(values![0]!, values![1]!);
      pending.damping = adaptDamping(this.lambda, ratio, this.options.levenbergMarquardt!);
    }
    if (!this.invertsNext) return;
    const names = pending.blocks.map(({ block }) => planName(block.plan));
    yield* this.guard.require(pending.broken, names, () => {
      this.raiseDamping();
      return `the damping is now ${this.lambda.toPrecision(3)}.`;
    });
    try {
      pending.inverted = yield* together(
        pending.blocks.map((entry, i) => inverted(entry, pending.averages[i]!, pending.damping)),
      );
    } catch (error) {
      if (isLinalgError(error)) this.raiseDamping();
      throw error;
    }
  }

  private raiseDamping(): void {
    this.lambda = Math.min(this.lambda * DAMPING_RAISE, this.options.levenbergMarquardt?.max ?? Infinity);
  }

  protected finish(pending: CurvatureStep<B>): void {
    const { gradients, damping } = pending;
    const step = this.stepCount + 1;
    const eta = this.learningRate(step);
    const states = this.nextStates(pending);
    const update: TensorMap = {};
    pending.blocks.forEach(({ block }, i) => {
      Object.assign(update, block.precondition(states[i]!, gradients, damping));
    });
    const products = Object.keys(update).map((name): tf.Scalar =>
      tf.sum(tf.mul(update[name]!, gradients[name]!)),
    );
    const isFinite = allFinite(products);
    const { momentum, klClip } = this.options;
    const shortening = klClip === undefined ? undefined : klShortening(tf.addN(products), eta, klClip);
    const velocity: TensorMap = Object.fromEntries(
      Object.entries(update).map(([name, value]) => {
        const clipped = shortening ? tf.mul(value, shortening) : value;
        return [name, momentum > 0 ? tf.add(tf.mul(this.velocity[name]!, momentum), clipped) : clipped];
      }),
    );
    const before = Object.fromEntries(
      this.objective.variables.map((v) => [v.name, tf.clone(v as tf.Tensor)]),
    );
    for (const variable of this.objective.variables) {
      const moved = tf.sub(before[variable.name]!, tf.mul(velocity[variable.name]!, eta));
      variable.assign(tf.where(isFinite, moved, before[variable.name]!));
    }
    this.commit(pending, states, velocity, isFinite);
    const { levenbergMarquardt } = this.options;
    if (levenbergMarquardt && step % levenbergMarquardt.interval === 0) {
      const displacement = mapValues(velocity, (v) => tf.mul(v, -eta));
      const { objective, options } = this;
      this.reduction = tf.keep(
        reductions({ objective, pending, states, before, displacement, weightDecay: options.weightDecay }),
      );
    }
  }

  /** State after this step: averages, inverses where new ones were computed, projections. */
  private nextStates({ blocks, averages, inverted, observations }: CurvatureStep<B>): TensorMap[] {
    return blocks.map(({ block, state }, i) => {
      const next = { ...state, ...averages[i], ...(inverted[i] && toTensors(inverted[i])) };
      const projected = observations.flatMap((observation) =>
        [block.project?.(next, observation) ?? []].flat(),
      );
      return projected.length === 0
        ? next
        : { ...next, ...averaged(next, meanMap(projected), this.keptPart) };
    });
  }

  private commit(
    pending: CurvatureStep<B>,
    states: readonly TensorMap[],
    velocity: TensorMap,
    isFinite: tf.Tensor,
  ): void {
    const { blocks } = pending;
    this.blocks = blocks.map(({ block, state }, i) => ({ block, state: exchanged(state, states[i]!) }));
    pending.adopted = true;
    if (this.options.momentum > 0) {
      const next = mapValues(this.velocity, (old, name) => tf.where(isFinite, velocity[name]!, old));
      this.velocity = exchanged(this.velocity, next);
    }
    this.guard.note(isFinite, pending.broken, this.invertsNext);
    if (this.observesNext) this.observed++;
    this.lambda = pending.damping;
    this.reduction?.dispose();
    this.reduction = undefined;
    if (pending.isFirst) this.options.onPartition?.(this.partition);
  }

  private zeroVelocity(): TensorMap {
    return this.options.momentum === 0
      ? {}
      : zeros(Object.fromEntries(this.objective.variables.map(({ name, shape }) => [name, shape])));
  }

  protected skippedSteps(): Promise<number> {
    return this.guard.skippedSteps();
  }

  state(): OptimizerState {
    return {
      tensors: {
        ...namedStates(this.blocks),
        ...prefixed('velocity', this.velocity),
        ...this.guard.tensors(),
        ...(this.reduction && { reduction: this.reduction }),
      },
      values: {
        name: this.name,
        groups: ['all'],
        steps: this.stepCount,
        observed: this.observed,
        damping: this.lambda,
        random: this.randomState,
        blocks: encodePlans(this.blocks),
      },
    };
  }

  protected restoreState(state: OptimizerState): void {
    const { tensors, values } = state;
    const blocks = decodePlans(values['blocks']).map((plan) => this.makeBlock(plan));
    const reduction = tensors['reduction'];
    requireState(
      state,
      this.name,
      {
        ...namedShapes(blocks),
        ...shapesOf(this.velocity, 'velocity'),
        ...FiniteGuard.shapes(tensors, blocks.length),
        ...(reduction && { reduction: [2] }),
      },
      ['steps', 'observed', 'damping'],
    );
    const restored = blocks.map((block) => ({ block, state: copyState(block, tensors) }));
    tf.dispose(this.blocks.flatMap((entry) => Object.values(entry.state)));
    this.blocks = restored;
    this.velocity = exchanged(
      this.velocity,
      mapValues(this.velocity, (_, name) => tensors[`velocity/${name}`]!),
    );
    this.guard.restore(tensors);
    // It may be the very tensor that is disposed.
    const copy = reduction && tf.keep(tf.clone(reduction));
    this.reduction?.dispose();
    this.reduction = copy;
    this.observed = values['observed'] as number;
    this.lambda = values['damping'] as number;
  }

  protected disposeState(): void {
    tf.dispose(this.blocks.flatMap(({ state }) => Object.values(state)));
    tf.dispose(Object.values(this.velocity));
    this.guard.dispose();
    this.reduction?.dispose();
    this.reduction = undefined;
  }
}

/** What a block's averages, old or new, are turned into. */
function* inverted({ block, state }: BlockWithState, fresh: TensorMap, damping: number): Needs<StateValues> {
  const averages = { ...state, ...fresh };
  const values = yield* read(block.averages.map((name) => averages[name]!));
  return yield* block.invert(values, damping);
}

/** Steps to the minimiser of the proximal objective (Eq. 3) with each term first-order, second-order or exact: the one solver behind gradient descent, Newton, Gauss–Newton, natural gradient, Hessian-free and the exact proximal point. */
import * as tf from '@tensorflow/tfjs-core';
import {
  ApoError,
  basePass,
  batchList,
  checkState,
  createRandom,
  meanLoss,
  requireUniqueNames,
} from '@apo/core';
import type {
  MicroBatches,
  Objective,
  Optimizer,
  OptimizerState,
  OptimizerStatistics,
  Random,
  SeededBatch,
  StepOptions,
  TensorMap,
} from '@apo/core';
import { jacobianVectorMethod } from '../curvature/products.js';
import type { JacobianVectorMethod } from '../curvature/jacobian.js';
import { ParameterSpace, readValues } from '../curvature/parameter-space.js';
import { addScaled, allFinite, dot, scale } from '../curvature/vector.js';
import { adaptDamping, reductionRatio } from './levenberg-marquardt.js';
import { backtrackIterates, IterateSeries, shortenUntilDecrease } from './line-search.js';
import { minimize } from './minimize.js';
import type { MinimizeResult } from './minimize.js';
import { proximalObjective } from './proximal-objective.js';
import type { ProximalPoint } from './proximal-objective.js';
import { resolveProximalOptions } from './proximal-options.js';
import type { ProximalSolverOptions, ResolvedProximalOptions } from './proximal-options.js';
import { exactTerm } from './term.js';
import type { Term } from './term.js';

/** How the last step was solved. */
export interface SolveStatistics {
  readonly stop: MinimizeResult['stop'];
  readonly newtonIterations: number;
  /** Conjugate-gradient iterations. */
  readonly iterations: number;
  readonly residual: number;
  /** λ_WSD that the step was solved with. */
  readonly lambdaWsd: number;
  /** (J(θ′) − J(θ)) / (Q̂(δ) − Q̂(0)); only with Levenberg–Marquardt damping. */
  readonly reductionRatio?: number;
}

/** The optimizer that `proximalSolver` makes. It owns its state (`dispose` frees it), never the variables. */
export class ProximalOptimizer<B> implements Optimizer<B> {
  readonly name: string;
  private readonly options: ResolvedProximalOptions;
  private readonly space: ParameterSpace;
  private readonly random: Random;
  private method: JacobianVectorMethod | undefined;
  private stepCount = 0;
  private damping: number;
  /** The last solution, by variable, for `inner.warmStart`. */
  private last: TensorMap;
  private solve: SolveStatistics | undefined;

  constructor(
    readonly objective: Objective<B>,
    options: ProximalSolverOptions,
  ) {
    requireUniqueNames(objective.variables);
    this.options = resolveProximalOptions(options);
    this.name = this.options.name;
    this.space = new ParameterSpace(objective.variables);
    this.random = createRandom(options.seed ?? 0);
    this.damping = this.options.lambdaWsd;
    this.method = this.options.jacobianVector === 'auto' ? undefined : this.options.jacobianVector;
    this.last = this.options.inner.warmStart > 0 ? this.space.write(new Float64Array(this.space.size)) : {};
    keepAll(this.last);
  }

  get steps(): number {
    return this.stepCount;
  }

  /** How the last step was solved; undefined before the first. */
  get lastSolve(): SolveStatistics | undefined {
    return this.solve;
  }

  /** λ_WSD of the next step. */
  get lambdaWsd(): number {
    return this.damping;
  }

  /**
   * One step, on the Q̂ of this batch; `other` is B′ of the function-space term. Reads values back, so the engine must be able
   * to wait for its device. On an error nothing has moved.
   * @throws ApoError `NON_FINITE` for a gradient or a curvature product that is not finite, `UNSUPPORTED` on an engine that cannot wait.
   */
  step(
    batch: B | MicroBatches<B>,
    other?: B | MicroBatches<B>,
    { returnLoss = false, onOutputs }: StepOptions = {},
  ): tf.Scalar | undefined {
    const lossBatches = this.seeded(batch);
    const fsdBatches = other === undefined ? lossBatches : this.seeded(other);
    return this.undoingState(() => {
      const base = basePass(this.objective, lossBatches, onOutputs ? { onOutputs } : {});
      const gradients = this.options.clip?.(base.gradients) ?? base.gradients;
      const point: ProximalPoint<B> = {
        objective: this.objective,
        theta: this.space.current(),
        loss: readValues(base.loss)[0]!,
        gradient: this.space.read(gradients),
        lossBatches,
        fsdBatches,
      };
      this.requireFinite(
        Number.isFinite(point.loss) && allFinite(point.gradient),
        'The loss or its gradient',
      );
      const delta = this.displacement(point);
      const factor = this.options.schedule?.(this.stepCount + 1) ?? 1;
      const next = this.space.write(addScaled(point.theta, factor, delta));
      for (const variable of this.objective.variables) variable.assign(next[variable.name]!);
      this.stepCount++;
      return returnLoss ? base.loss : undefined;
    });
  }

  /** Runs `body` in a tidy; if it throws, BatchNorm averages that the forward pass moved go back. */
  private undoingState<T extends tf.Scalar | undefined>(body: () => T): T {
    return tf.tidy(() => {
      const { stateVariables } = this.objective;
      const saved = stateVariables.map((variable) => tf.clone(variable as tf.Tensor));
      try {
        return body();
      } catch (error) {
        stateVariables.forEach((variable, i) => variable.assign(saved[i]!));
        throw error;
      }
    });
  }

  /** δ, with damping and warm start brought up to date. */
  private displacement(point: ProximalPoint<B>): Float64Array {
    const { options } = this;
    const { inner } = options;
    this.method ??= jacobianVectorMethod(this.objective, point.lossBatches[0]!);
    const { total } = proximalObjective(point, options, this.damping, this.method);
    const series = new IterateSeries();
    const warm = inner.warmStart > 0 ? scale(this.space.read(this.last), inner.warmStart) : undefined;
    const result = minimize(total, this.space.size, {
      conjugateGradient: {
        maxIterations: inner.maxIterations,
        tolerance: inner.tolerance,
        ...(inner.progress !== undefined && { progress: inner.progress }),
        ...(warm !== undefined && { start: warm }),
        ...(options.backtrack && { onIterate: series.add }),
      },
      maxNewtonIterations: inner.maxNewtonIterations,
      tolerance: inner.newtonTolerance,
    });
    this.requireFinite(allFinite(result.delta), 'The displacement');
    const trueLoss = exactTerm(
      point.objective,
      point.theta,
      () => meanLoss(point.objective, point.lossBatches),
      total.curvature(result.delta),
    );
    const lossAt = (delta: Float64Array): number => trueLoss.value(delta);
    const chosen = options.backtrack
      ? backtrackIterates([...series.iterates, result.delta], lossAt).delta
      : result.delta;
    const lambdaWsd = this.damping;
    const ratio = this.adapt(total, point, chosen, lossAt);
    this.solve = {
      stop: result.stop,
      newtonIterations: result.newtonIterations,
      iterations: result.iterations,
      residual: result.residual,
      lambdaWsd,
      ...(ratio !== undefined && { reductionRatio: ratio }),
    };
    this.remember(result.delta);
    if (!options.lineSearch) return chosen;
    const slope = dot(point.gradient, chosen);
    const shortened = shortenUntilDecrease(chosen, { start: point.loss, slope, lossAt });
    return shortened ?? new Float64Array(this.space.size);
  }

  /** Levenberg–Marquardt; returns the reduction ratio. */
  private adapt(
    total: Term,
    point: ProximalPoint<B>,
    delta: Float64Array,
    lossAt: (delta: Float64Array) => number,
  ): number | undefined {
    const { levenbergMarquardt } = this.options;
    if (levenbergMarquardt === undefined) return undefined;
    const predicted = total.value(delta) - total.value(new Float64Array(delta.length));
    const ratio = reductionRatio(lossAt(delta) - point.loss, predicted);
    this.damping = adaptDamping(this.damping, ratio, levenbergMarquardt);
    return ratio;
  }

  /** Keeps a solution for the next warm start. */
  private remember(delta: Float64Array): void {
    if (this.options.inner.warmStart === 0) return;
    tf.dispose(this.last);
    this.last = this.space.write(delta);
    keepAll(this.last);
  }

  private seeded(batch: B | MicroBatches<B>): SeededBatch<B>[] {
    return batchList(batch).map((one) => ({ batch: one, seed: this.random.integer(0x7fffffff) }));
  }

  private requireFinite(condition: boolean, what: string): void {
    if (condition) return;
    throw new ApoError(
      'NON_FINITE',
      `${what} of "${this.name}" at step ${this.stepCount + 1} is not finite; nothing was moved. Look for bad input, raise lambdaWsd, or lower the learning rate.`,
    );
  }

  /** Empty: λ takes the place of a learning rate. */
  learningRates(): Promise<Record<string, number>> {
    return Promise.resolve({});
  }

  statistics(): Promise<OptimizerStatistics> {
    return Promise.resolve({ steps: this.stepCount, metaSteps: 0, rejected: 0, learningRates: {} });
  }

  /** Never calls the listener: there are no meta-steps. */
  onMetaStep(): () => void {
    return () => undefined;
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  state(): OptimizerState {
    return {
      tensors: Object.fromEntries(
        Object.entries(this.last).map(([name, tensor]) => [`warmStart/${name}`, tensor]),
      ),
      values: {
        name: this.name,
        groups: [],
        steps: this.stepCount,
        lambdaWsd: this.damping,
        random: this.random.state(),
      },
    };
  }

  restore({ tensors, values }: OptimizerState): void {
    checkState(this.state(), { tensors, values });
    const next = Object.fromEntries(
      Object.keys(this.last).map((name) => [name, tf.keep(tf.clone(tensors[`warmStart/${name}`]!))]),
    );
    tf.dispose(this.last);
    this.last = next;
    this.stepCount = values['steps'] as number;
    this.damping = values['lambdaWsd'] as number;
    this.random.restore(values['random'] as readonly number[]);
  }

  dispose(): void {
    tf.dispose(this.last);
  }
}

function keepAll(tensors: TensorMap): void {
  for (const tensor of Object.values(tensors)) tf.keep(tensor);
}

/**
 * An optimizer whose every step goes to θ + δ with δ the minimiser of loss + λ_FSD · function-space term + ½ λ_WSD ‖δ‖², each
 * approximated as `options` say. The named methods are choices of these.
 * @throws ApoError `INVALID_ARGUMENT`, or `UNSUPPORTED` for choices that exclude each other.
 */
export function proximalSolver<B>(
  objective: Objective<B>,
  options: ProximalSolverOptions,
): ProximalOptimizer<B> {
  return new ProximalOptimizer(objective, options);
}

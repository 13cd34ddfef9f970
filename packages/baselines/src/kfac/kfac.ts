/** KFAC (Martens & Grosse 2015; convolutions: Grosse & Martens 2016): preconditioning by Kronecker-factored blocks of the Fisher matrix. */
import { requireArgument } from '@apo/core';
import type { Objective } from '@apo/core';
import type { CurvatureBlock } from './block.js';
import { CurvatureOptimizer } from './curvature-optimizer.js';
import { resolveCurvatureOptions } from './curvature-options.js';
import type { CurvatureOptions } from './curvature-options.js';
import { DiagonalBlock } from './diagonal-block.js';
import { KroneckerBlock } from './kronecker-block.js';
import type { BlockPlan } from './partition.js';

export interface KfacOptions extends CurvatureOptions {
  /** `factored`: each factor gets its share of λ by π. `exact`: λ is added to the products of eigenvalues. Default `factored`. */
  readonly dampingForm?: 'factored' | 'exact';
  /** How factored inverses are computed; `exact` needs `eigen`. Default `cholesky`, or `eigen` for `exact`. */
  readonly inverse?: 'cholesky' | 'eigen';
}

/**
 * @example
 * const optimizer = new Kfac(objective, { learningRate: 0.1, onPartition: (rows) => console.log(formatPartition(rows)) });
 * for (const batch of batches) optimizer.step(batch);
 */
export class Kfac<B> extends CurvatureOptimizer<B> {
  readonly name = 'kfac';
  protected readonly method: string;
  private readonly dampingForm: 'factored' | 'exact';
  private readonly inverse: 'cholesky' | 'eigen';

  /**
   * @throws ApoError `INVALID_ARGUMENT` for an option out of range. The first step throws `UNSUPPORTED` when a variable's layer has no block (see `unsupported`).
   */
  constructor(objective: Objective<B>, options: KfacOptions = {}) {
    const { dampingForm = 'factored', inverse = dampingForm === 'exact' ? 'eigen' : 'cholesky' } = options;
    requireArgument(
      ['factored', 'exact'].includes(dampingForm) && ['cholesky', 'eigen'].includes(inverse),
      () =>
        `dampingForm is "${dampingForm}" and inverse "${inverse}"; expected "factored" or "exact", and "cholesky" or "eigen".`,
    );
    requireArgument(
      dampingForm === 'factored' || inverse === 'eigen',
      () => `dampingForm: 'exact' works in the eigenbasis; use inverse: 'eigen' with it.`,
    );
    super(objective, resolveCurvatureOptions(options, objective));
    this.dampingForm = dampingForm;
    this.inverse = inverse;
    this.method = dampingForm === 'exact' ? 'Kronecker (exact damping)' : 'Kronecker';
  }

  protected makeBlock(plan: BlockPlan): CurvatureBlock {
    return plan.block === 'diagonal'
      ? new DiagonalBlock(plan)
      : new KroneckerBlock(plan, { damping: this.dampingForm, inverse: this.inverse });
  }
}

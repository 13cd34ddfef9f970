/** EKFAC (George et al. 2018): KFAC's eigenbasis, with second moments of per-example gradients in place of products of eigenvalues. */
import type { Objective } from '@apo/core';
import type { CurvatureBlock } from './block.js';
import { CurvatureOptimizer } from './curvature-optimizer.js';
import { resolveCurvatureOptions } from './curvature-options.js';
import type { CurvatureOptions } from './curvature-options.js';
import { DiagonalBlock } from './diagonal-block.js';
import { EigenBlock } from './eigen-block.js';
import type { BlockPlan } from './partition.js';

/** As for KFAC; `damping` is added to the second moments themselves. */
export type EkfacOptions = CurvatureOptions;

/** The basis is refreshed every `inverseInterval` steps, the moments in it every `factorInterval`. */
export class Ekfac<B> extends CurvatureOptimizer<B> {
  readonly name = 'ekfac';
  protected readonly method = 'eigenbasis';

  /** @throws as `Kfac`. */
  constructor(objective: Objective<B>, options: EkfacOptions = {}) {
    super(objective, resolveCurvatureOptions(options, objective));
  }

  protected makeBlock(plan: BlockPlan): CurvatureBlock {
    return plan.block === 'diagonal' ? new DiagonalBlock(plan) : new EigenBlock(plan);
  }
}

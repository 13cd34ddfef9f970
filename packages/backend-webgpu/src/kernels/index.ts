/** Every kernel that `installTrainingKernels` registers, corrected stock kernels first. */
import type { TrainingKernel } from '../kernel.js';
import { addN } from './add-n.js';
import { apoAdam } from './apo-adam.js';
import { apoBatchNormGradient } from './apo-batch-norm-gradient.js';
import { apoInnerProduct } from './apo-inner-product.js';
import { apoKroneckerGradient } from './apo-kronecker-gradient.js';
import { apoKroneckerUpdate } from './apo-kronecker-update.js';
import { apoLowRankGradient } from './apo-low-rank-gradient.js';
import { apoLowRankUpdate } from './apo-low-rank-update.js';
import { apoMomentum } from './apo-momentum.js';
import { apoRmsprop } from './apo-rmsprop.js';
import { apoRound } from './apo-round.js';
import { apoScaledSubtract } from './apo-scaled-subtract.js';
import { matrixProducts } from './matrix-products.js';
import { transpose } from './transpose.js';
import { unsortedSegmentSum } from './unsorted-segment-sum.js';

export const trainingKernels: readonly TrainingKernel[] = [
  ...matrixProducts,
  addN,
  transpose,
  unsortedSegmentSum,
  apoMomentum,
  apoRmsprop,
  apoAdam,
  apoScaledSubtract,
  apoInnerProduct,
  apoRound,
  apoLowRankUpdate,
  apoLowRankGradient,
  apoKroneckerUpdate,
  apoKroneckerGradient,
  apoBatchNormGradient,
];

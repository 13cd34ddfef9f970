/** Every kernel that `installTrainingKernels` registers, corrected stock kernels first. */
import type { TrainingKernel } from '../kernel.js';
import { apoAdam } from './apo-adam.js';
import { apoInnerProduct } from './apo-inner-product.js';
import { apoMomentum } from './apo-momentum.js';
import { apoRmsprop } from './apo-rmsprop.js';
import { apoScaledSubtract } from './apo-scaled-subtract.js';
import { matrixProducts } from './matrix-products.js';

export const trainingKernels: readonly TrainingKernel[] = [
  ...matrixProducts,
  apoMomentum,
  apoRmsprop,
  apoAdam,
  apoScaledSubtract,
  apoInnerProduct,
];

/** The kernels this package puts in the place of tfjs-wasm's, or beside them, one entry each. */
import type { TrainingKernel } from '../kernel.js';
import { apoAdam } from './apo-adam.js';
import { apoInnerProduct } from './apo-inner-product.js';
import { apoLowRankGradient } from './apo-low-rank-gradient.js';
import { apoLowRankUpdate } from './apo-low-rank-update.js';
import { apoMomentum } from './apo-momentum.js';
import { apoRmsprop } from './apo-rmsprop.js';
import { apoRound } from './apo-round.js';
import { apoScaledSubtract } from './apo-scaled-subtract.js';
import { apoSelect } from './apo-select.js';
import { apoWeightPull } from './apo-weight-pull.js';
import { avgPoolGrad } from './avg-pool-grad.js';
import { batchNormSums } from './batch-norm-sums.js';
import { binaryKernels } from './binary.js';
import { batchMatMul } from './batch-mat-mul.js';
import { cast } from './cast.js';
import { conv2d } from './conv2d.js';
import { conv2dBackpropFilter } from './conv2d-backprop-filter.js';
import { conv2dBackpropInput } from './conv2d-backprop-input.js';
import { depthwiseConv2d } from './depthwise.js';
import { depthwiseBackpropFilter } from './depthwise-backprop-filter.js';
import { depthwiseBackpropInput } from './depthwise-backprop-input.js';
import { einsum } from './einsum.js';
import { fusedBatchNorm } from './fused-batch-norm.js';
import { fusedConv2d } from './fused-conv2d.js';
import { fusedDepthwiseConv2d } from './fused-depthwise-conv2d.js';
import { fusedMatMul } from './fused-mat-mul.js';
import { gather } from './gather.js';
import { identity } from './identity.js';
import { maxPoolGrad } from './max-pool-grad.js';
import { max } from './max.js';
import { mean } from './mean.js';
import { min } from './min.js';
import { select } from './select.js';
import { slice } from './slice.js';
import { softmax } from './softmax.js';
import { softmaxGrad } from './softmax-grad.js';
import { sum } from './sum.js';
import { tile } from './tile.js';
import { transpose } from './transpose.js';
import { unaryKernels } from './unary.js';
import { unsortedSegmentSum } from './unsorted-segment-sum.js';

/** What the optimizers of @apo/core ask for; they have plain operators for an engine without. */
export const fusedUpdates: readonly TrainingKernel[] = [
  apoAdam,
  apoInnerProduct,
  apoLowRankGradient,
  apoLowRankUpdate,
  apoMomentum,
  apoRmsprop,
  apoRound,
  apoScaledSubtract,
  apoSelect,
  apoWeightPull,
];

export const trainingKernels: readonly TrainingKernel[] = [
  ...fusedUpdates,
  avgPoolGrad,
  batchMatMul,
  batchNormSums,
  cast,
  conv2d,
  conv2dBackpropFilter,
  conv2dBackpropInput,
  depthwiseBackpropFilter,
  depthwiseBackpropInput,
  depthwiseConv2d,
  einsum,
  fusedBatchNorm,
  fusedConv2d,
  fusedDepthwiseConv2d,
  fusedMatMul,
  gather,
  identity,
  maxPoolGrad,
  max,
  mean,
  min,
  select,
  slice,
  softmax,
  softmaxGrad,
  sum,
  tile,
  transpose,
  unsortedSegmentSum,
  ...binaryKernels,
  ...unaryKernels,
];

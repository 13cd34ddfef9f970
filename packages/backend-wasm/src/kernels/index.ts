/** The kernels this package puts in the place of tfjs-wasm's, or beside them, one entry each. */
import type { TrainingKernel } from '../kernel.js';
import { avgPoolGrad } from './avg-pool-grad.js';
import { batchMatMul } from './batch-mat-mul.js';
import { cast } from './cast.js';
import { conv2dBackpropFilter } from './conv2d-backprop-filter.js';
import { conv2dBackpropInput } from './conv2d-backprop-input.js';
import { depthwiseBackpropFilter } from './depthwise-backprop-filter.js';
import { depthwiseBackpropInput } from './depthwise-backprop-input.js';
import { fusedMatMul } from './fused-mat-mul.js';
import { gather } from './gather.js';
import { identity } from './identity.js';
import { maxPoolGrad } from './max-pool-grad.js';
import { mean } from './mean.js';
import { slice } from './slice.js';
import { sum } from './sum.js';
import { tile } from './tile.js';
import { transpose } from './transpose.js';
import { unsortedSegmentSum } from './unsorted-segment-sum.js';

export const trainingKernels: readonly TrainingKernel[] = [
  avgPoolGrad,
  batchMatMul,
  cast,
  conv2dBackpropFilter,
  conv2dBackpropInput,
  depthwiseBackpropFilter,
  depthwiseBackpropInput,
  fusedMatMul,
  gather,
  identity,
  maxPoolGrad,
  mean,
  slice,
  sum,
  tile,
  transpose,
  unsortedSegmentSum,
];

/** What the module exports: everything takes byte offsets into the memory of tfjs-wasm and plain numbers, and allocates nothing. */
export { reluGradient, sigmoidGradient, tanhGradient } from './activation-gradient';
export { adam } from './adam';
export { normalize, normalizeGradientSums } from './batch-norm';
export {
  add,
  divide,
  equal,
  greater,
  greaterEqual,
  less,
  lessEqual,
  maximum,
  minimum,
  multiply,
  notEqual,
  subtract,
} from './binary';
export { clip } from './clip';
export { copyRuns, gather, spread } from './copy';
export { depthwise } from './depthwise';
export { depthwiseFilterGradient } from './depthwise-filter-gradient';
export { maxAlongRows, maxOverRows, minAlongRows, minOverRows } from './extremes';
export { convolve, filterGradient } from './convolution';
export { gemmBatch } from './gemm-batch';
export { gemm, gemmScratchBytes } from './gemm';
export { innerProduct } from './inner-product';
export { momentum } from './momentum';
export { avgPoolGradient, maxPoolGradient } from './pool-gradient';
export { roundsOnce } from './probe';
export { rmsprop } from './rmsprop';
export { roundBfloat16, roundFloat16 } from './round';
export { scaledSubtract } from './scaled-subtract';
export { segmentSum } from './segment-sum';
export { select } from './select';
export { softmax, softmaxGradient } from './softmax';
export { sumAlongRows, sumOverRows } from './sums';
export { transposePlanes } from './transpose';
export { exp, expm1, leakyRelu, log, log1p, rsqrt, sign, softplus, sqrt, tanh } from './unary';
export { packB, packTransposedB } from './pack';

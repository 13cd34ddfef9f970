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
export { gemmScratchBytes } from './gemm';
export { differenceProduct, innerProduct } from './inner-product';
export { lowRankCombine, lowRankProject, lowRankRotate, lowRankStep } from './low-rank';
export { lowRankGradientRows, lowRankGradientSpace, lowRankGradientSums } from './low-rank-gradient';
export { lowRankGradientCombine, lowRankGradientLeft, lowRankTurn } from './low-rank-gradient-finish';
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
export { elu, exp, expm1, leakyRelu, log, log1p, rsqrt, sigmoid, sign, softplus, sqrt, tanh } from './unary';
export { packB, packTransposedB } from './pack';
export { weightPull } from './weight-pull';
export { winogradConvolve, winogradFilterPlanes } from './winograd';
export { winogradFilter, winogradFilterGradient } from './winograd-filter';

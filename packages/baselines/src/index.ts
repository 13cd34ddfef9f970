/** @apo/baselines: the optimizers that Amortized Proximal Optimization is compared with, the classical methods that its objective contains, and the theory checked by computation. */
export { Kfac } from './kfac/kfac.js';
export type { KfacOptions } from './kfac/kfac.js';
export { Ekfac } from './kfac/ekfac.js';
export type { EkfacOptions } from './kfac/ekfac.js';
export type { CurvatureOptions } from './kfac/curvature-options.js';
export type { FisherKind } from './kfac/fisher.js';
export { formatPartition } from './kfac/partition.js';
export type { PartitionRow } from './kfac/partition.js';
export { Shampoo } from './shampoo/shampoo.js';
export type { ShampooOptions } from './shampoo/shampoo-options.js';
export { Hypergradient, hypergradientRule } from './tuning-free/hypergradient.js';
export type { HypergradientOptions } from './tuning-free/hypergradient.js';
export { Prodigy, prodigyRule } from './tuning-free/prodigy.js';
export type { ProdigyOptions } from './tuning-free/prodigy.js';
export { namedOutputHessian, differenceOutputHessian } from './curvature/output-hessian.js';
export type { OutputHessian } from './curvature/output-hessian.js';
export { denseJacobian, jacobianVector, outputsOf, vectorJacobian } from './curvature/jacobian.js';
export type { DenseJacobian, JacobianVectorMethod } from './curvature/jacobian.js';
export { ParameterSpace } from './curvature/parameter-space.js';
export {
  divergenceHessian,
  gaussNewtonProduct,
  hessianProduct,
  jacobianVectorMethod,
  lossHessian,
} from './curvature/products.js';
export type { Product, SeededBatches } from './curvature/products.js';
export { conjugateGradient } from './proximal/conjugate-gradient.js';
export type { ConjugateGradientOptions, ConjugateGradientResult } from './proximal/conjugate-gradient.js';
export type { LevenbergMarquardtOptions } from './proximal/levenberg-marquardt.js';
export { ProximalOptimizer, proximalSolver } from './proximal/proximal-optimizer.js';
export type { SolveStatistics } from './proximal/proximal-optimizer.js';
export type {
  FsdApproximation,
  InnerOptions,
  LossApproximation,
  ProximalSolverOptions,
} from './proximal/proximal-options.js';
export {
  gaussNewton,
  gradientDescent,
  hessianFree,
  naturalGradient,
  newton,
  proximalPoint,
} from './proximal/classical-methods.js';
export type {
  DampedMethodOptions,
  LearningRateMethodOptions,
  MethodOptions,
  NaturalGradientOptions,
  ProximalPointOptions,
} from './proximal/classical-methods.js';
export { verificationNames, verifyTheory } from './verify/verify.js';
export type { VerifyOptions, VerifyReport } from './verify/verify.js';
export type { Check, CheckSeries, VerificationName } from './verify/check.js';

/** @apo/core: self-tuned learning rates, and the meta-objective that any update rule can be adapted with. */
import '#gradients';

export { ApoError, isApoError, requireArgument, requireInteger, requireNumber } from './errors.js';
export type { ApoErrorCode } from './errors.js';
export { selectBackend } from './backend.js';
export type { Availability, BackendAdapter, BackendInfo } from './backend.js';
export { createRandom } from './random.js';
export type { Random } from './random.js';
export { BatchSampler } from './batch-sampler.js';
export type { BatchSamplerOptions, BatchSamplerState } from './batch-sampler.js';
export type { BatchSource, SourceState } from './batch-source.js';
export { divergence, divergenceNames } from './divergence.js';
export type { Divergence, DivergenceName } from './divergence.js';
export { losses } from './losses.js';
export type { LossName, NamedLoss } from './losses.js';
export { createObjective, l2, requireUniqueNames, sumOverOutputs } from './objective.js';
export type {
  CustomObjectiveOptions,
  Objective,
  Outputs,
  SupervisedBatch,
  SupervisedObjectiveOptions,
} from './objective.js';
export { batchList, microBatches } from './optimizer.js';
export type {
  MetaStepStatistics,
  MicroBatches,
  Optimizer,
  OptimizerState,
  OptimizerStatistics,
  StepOptions,
} from './optimizer.js';
export type {
  CommittedOutput,
  DirectionInput,
  DirectionOutput,
  Lookahead,
  RuleState,
  TensorMap,
  UpdateRule,
  VjpInput,
} from './update-rule.js';

/** @apo/core: self-tuned learning rates, and the meta-objective that any update rule can be adapted with. */
import '#gradients';
import { registerMissingGradients } from './missing-gradients/register.js';

// After '#gradients', since these extend or replace some of tfjs-core's own. A package that loads another copy of tfjs calls it again.
registerMissingGradients();

export { registerMissingGradients };

export { ApoError, isApoError, requireArgument, requireInteger, requireNumber } from './errors.js';
export type { ApoErrorCode } from './errors.js';
export { selectBackend } from './backend.js';
export type { Availability, BackendAdapter, BackendInfo } from './backend.js';
export { createStockKernels } from './stock-kernels.js';
export type { StockKernels } from './stock-kernels.js';
export { dilatedDepthwiseConv2d } from './missing-gradients/dilated-depthwise.js';
export type { DilatedDepthwiseOptions } from './missing-gradients/dilated-depthwise.js';
export { createRandom } from './random.js';
export type { Random } from './random.js';
export { BatchSampler } from './batch-sampler.js';
export type { BatchSamplerOptions, BatchSamplerState } from './batch-sampler.js';
export type { BatchSource, SourceState } from './batch-source.js';
export { constant, cosine, inverseSquareRoot, linearWarmup, stepDecay } from './schedule.js';
export type { CosineOptions, Schedule, StepDecayOptions } from './schedule.js';
export { clipByGlobalNorm, clipByValue } from './clip.js';
export type { GradientClip } from './clip.js';
export { decodeCheckpoint, encodeCheckpoint } from './training/checkpoint.js';
export type { Checkpoint } from './training/checkpoint.js';
export { restoreTraining, saveTraining } from './training/training-checkpoint.js';
export { train } from './training/trainer.js';
export type {
  Metrics,
  TrainCallbacks,
  TrainEvaluation,
  TrainOptions,
  TrainPosition,
  TrainResult,
  TrainWithOptimizer,
  TrainWithRule,
} from './training/train-options.js';
export type { TrainLog } from './training/training-log.js';
export type { EarlyStoppingOptions } from './training/early-stopping.js';
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
  OpenStep,
  Optimizer,
  OptimizerState,
  OptimizerStatistics,
  StepOptions,
} from './optimizer.js';
export type {
  CapturedLayers,
  CommittedOutput,
  DirectionInput,
  DirectionOutput,
  Lookahead,
  RuleState,
  TensorMap,
  UpdateOutput,
  UpdateRule,
  VjpInput,
} from './update-rule.js';
export { hasEngineKernel, runEngineKernel } from './engine-kernels.js';
export type {
  AdamKernelAttributes,
  EngineKernelAttributes,
  EngineKernelCall,
  EngineKernelName,
  InnerProductKernelAttributes,
  KroneckerKernelAttributes,
  LowRankKernelAttributes,
  MomentumKernelAttributes,
  RmspropKernelAttributes,
  RoundKernelAttributes,
  ScaledSubtractKernelAttributes,
  SelectKernelAttributes,
  UpdateKernelAttributes,
  WeightPullKernelAttributes,
} from './engine-kernels.js';
export { automaticVjp, contract } from './vjp.js';
export { sgd } from './rules/sgd.js';
export { momentum } from './rules/momentum.js';
export type { MomentumOptions } from './rules/momentum.js';
export { rmsprop } from './rules/rmsprop.js';
export type { RmspropOptions } from './rules/rmsprop.js';
export { adam, adamw } from './rules/adam.js';
export type { AdamOptions, AdamWOptions } from './rules/adam.js';
export type { BaseDirection, UpdateRates } from './base-direction.js';
export { LOG_LEARNING_RATE, subtractScaled, withLearningRate } from './learning-rate.js';
export type { LearningRateGroups, LearningRateOptions } from './learning-rate.js';
export { metaAdam, metaRmsprop, metaSgd } from './meta/meta-optimizer.js';
export { metaByEntry } from './meta/meta-by-entry.js';
export type { MetaOptimizer } from './meta/meta-optimizer.js';
export { basePass, keptCopy, meanLoss } from './base-pass.js';
export type { BasePass, BasePassOptions, SeededBatch } from './base-pass.js';
export { atLookahead, preserving } from './lookahead.js';
export { withRandomSeed } from './replay.js';
export { predictions, proximalGradient, proximalTerms } from './proximal.js';
export type { ProximalProblem, ProximalTerms, ProximalWeights } from './proximal.js';
export { calibrateLogRate } from './calibration.js';
export type { CalibrationOptions } from './calibration.js';
export { captureLayers } from './layer-capture.js';
export type { CaptureOptions, LayerCapture } from './layer-capture.js';
export type { LayerFilter, LayerUse } from './layer-use.js';
export type {
  ConvolutionGeometry,
  ConvolutionLayer,
  DenseLayer,
  ElementwiseLayer,
  EmbeddingLayer,
  OtherLayer,
} from './layer-capture-kinds.js';
export { Apo } from './apo.js';
export type {
  ApoOptions,
  ApoRule,
  Preset,
  PresetOptions,
  ResolvedApoOptions,
  RulePreset,
  StepperOptions,
  Warmup,
} from './apo-options.js';
export { RuleOptimizer } from './rule-optimizer.js';
export { checkState } from './rule-runner.js';
export { precisions } from './precision/format.js';
export type { Precision } from './precision/format.js';
export { roundTo } from './precision/round.js';
export { withPrecision } from './precision/objective-precision.js';
export type { PrecisionOptions } from './precision/objective-precision.js';
export { withRulePrecision } from './precision/rule-precision.js';
export type { MasterCopies, RulePrecisionOptions } from './precision/rule-precision.js';
export { withMetaPrecision } from './precision/meta-precision.js';
export { fromLayersModel } from './layers/layers-model.js';
export type { LayersBatch, LayersModelOptions } from './layers/layers-model.js';
export type { DivergenceChoice } from './layers/layers-model-divergence.js';
export { attachOptimizer } from './layers/attach-optimizer.js';
export type { Attachment, AttachOptimizerOptions } from './layers/attach-optimizer.js';
export type { StepWaiter } from './layers/step-waiter.js';
export { attachApo } from './layers/attach.js';
export type { AttachOptions } from './layers/attach.js';
export { apoLogger } from './layers/logger.js';
export type { ApoLogEntry, ApoLogger, ApoLoggerOptions, ApoLoggerSource } from './layers/logger.js';

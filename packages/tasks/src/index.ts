/** @apo/tasks: data sets, models, and tasks made of them by name. Runs in browsers too; files on disk are read by @apo/tasks/node. */
export { dataFile } from './data/data-set.js';
export type { Checksum, DataFile, DataSetFiles, DataStore, Fingerprint } from './data/data-set.js';
export { syntheticDigits } from './data/digits.js';
export type { DigitsOptions } from './data/digits.js';
export { exampleBatch, exampleSource } from './data/example-batches.js';
export type { ExampleSourceOptions } from './data/indexed-source.js';
export type { LabelledExamples, LabelledSplits } from './data/examples.js';
export { fetchStore } from './data/fetch-store.js';
export type { FetchStoreOptions } from './data/fetch-store.js';
export { parseIdx } from './data/idx.js';
export type { IdxArray } from './data/idx.js';
export { loadMnist, mnistFiles } from './data/mnist.js';
export { pairedSource } from './data/paired-source.js';
export { pooledImages } from './data/pool-images.js';
export { pairedBatch } from './data/rows.js';
export type { PairedRows, PairedSplits, Rows } from './data/rows.js';
export { loadUci, uciParkinsons, uciProtein, uciSlice } from './data/uci.js';
export type { UciDataSet } from './data/uci.js';
export type { Initializer } from './models/initialize.js';
export { lenet } from './models/lenet.js';
export type { LenetOptions } from './models/lenet.js';
export { mlp } from './models/mlp.js';
export type { Activation, MlpOptions } from './models/mlp.js';
export type { Model } from './models/model.js';
export { autoencoder, autoencoderSmall, autoencoderTiny } from './tasks/autoencoder.js';
export { classificationTask } from './tasks/classification.js';
export type { ClassificationOptions } from './tasks/classification.js';
export { digits } from './tasks/digits.js';
export { evaluateClassifier, evaluatePairs } from './tasks/evaluate.js';
export { illConditionedRegression } from './tasks/ill-conditioned-regression.js';
export type { IllConditionedOptions } from './tasks/ill-conditioned-regression.js';
export { lenetMnist } from './tasks/lenet-mnist.js';
export { mnistMlp, mnistMlpSmall } from './tasks/mnist-mlp.js';
export { reconstructionTask } from './tasks/reconstruction.js';
export type { ReconstructionOptions } from './tasks/reconstruction.js';
export { findTask, taskNames, tasks } from './tasks/registry.js';
export { regressionTask } from './tasks/regression.js';
export type { RegressionOptions } from './tasks/regression.js';
export { rosenbrock } from './tasks/rosenbrock.js';
export type { NoBatch, RosenbrockOptions } from './tasks/rosenbrock.js';
export type {
  Evaluation,
  Split,
  Task,
  TaskDefaults,
  TaskInstance,
  TaskKind,
  TaskLoadOptions,
} from './tasks/task.js';
export { uciParkinsonsTask, uciProteinTask, uciSliceTask } from './tasks/uci.js';

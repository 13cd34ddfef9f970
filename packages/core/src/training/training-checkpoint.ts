/**
 * A training run as a checkpoint: variables, the variables a forward pass moves, optimizer state, where the batches stand,
 * and values of the user. The file format is in `checkpoint.ts`; when to write one is decided by the trainer.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { BatchSource, SourceState } from '../batch-source.js';
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint.js';
import { ApoError } from '../errors.js';
import type { Optimizer, OptimizerState } from '../optimizer.js';
import { mapTensors } from '../tensor-map.js';
import type { TensorMap } from '../update-rule.js';

type JsonRecord = Readonly<Record<string, unknown>>;

/** What is stored beside the optimizer and its variables. */
export interface TrainingRecord {
  /** Where the batches stand; null when no source was given. */
  readonly source: SourceState | null;
  /** The user's own values. */
  readonly extra: JsonRecord;
  /** The trainer's progress; null outside `train`. */
  readonly progress: JsonRecord | null;
  /** Tensors of the trainer (best weights). */
  readonly tensors: TensorMap;
}

/** A decoded training checkpoint that fits the optimizer; `dispose` it. */
export interface OpenedTraining extends TrainingRecord {
  readonly variables: TensorMap;
  readonly state: OptimizerState;
  /** `optimizer.steps` when it was saved. */
  readonly steps: number;
  dispose(): void;
}

/**
 * The bytes of a checkpoint of this run, captured at the moment of the call: `objective.variables` and `stateVariables`,
 * `optimizer.state()`, `source.state()` and `extra` (JSON values of one's own, given back by `restoreTraining`).
 * @throws ApoError `INVALID_ARGUMENT` when a value is not JSON-safe.
 */
export function saveTraining<B>(
  optimizer: Optimizer<B>,
  source?: BatchSource<B>,
  extra: JsonRecord = {},
): Promise<Uint8Array> {
  return writeTraining(optimizer, { source: source?.state() ?? null, extra, progress: null, tensors: {} });
}

/**
 * Puts a run back to where `saveTraining` (or the trainer's `onCheckpoint`) left it and returns the `extra` it was given.
 * Without `source`, the stored position of the batches is ignored. Everything is checked before anything is assigned, and
 * if the optimizer or the source refuses its state, all stays as it was.
 * @throws ApoError `CHECKPOINT_MISMATCH` when names, shapes or dtypes of variables, the optimizer or its state differ
 * (the message lists what), or `source` is given and the file has no position for it; `DATA_CORRUPT` for damaged bytes.
 */
export function restoreTraining<B>(
  bytes: Uint8Array,
  optimizer: Optimizer<B>,
  source?: BatchSource<B>,
): JsonRecord {
  const opened = openTraining(bytes, optimizer);
  try {
    applyTraining(opened, optimizer, source ? [[source, opened.source]] : []);
    return opened.extra;
  } finally {
    opened.dispose();
  }
}

/** `saveTraining` with everything spelled out. */
export function writeTraining<B>(optimizer: Optimizer<B>, record: TrainingRecord): Promise<Uint8Array> {
  const state = optimizer.state();
  const tensors = {
    ...prefixed('variable', modelTensors(optimizer)),
    ...prefixed('optimizer', state.tensors),
    ...prefixed('trainer', record.tensors),
  };
  const { source, extra, progress } = record;
  return encodeCheckpoint({
    tensors,
    values: {
      optimizer: optimizer.name,
      steps: optimizer.steps,
      state: state.values,
      source,
      extra,
      progress,
    },
  });
}

/** Decodes and checks against `optimizer`; changes nothing. */
export function openTraining<B>(bytes: Uint8Array, optimizer: Optimizer<B>): OpenedTraining {
  const { tensors, values } = decodeCheckpoint(bytes);
  try {
    if (!['optimizer', 'steps', 'state', 'source', 'extra', 'progress'].every((key) => key in values)) {
      throw mismatch(
        'It holds tensors and values, but not a training run; pass the bytes of saveTraining or onCheckpoint.',
      );
    }
    const variables = withoutPrefix('variable', tensors);
    const problems = differences(modelTensors(optimizer), variables);
    if (values.optimizer !== optimizer.name) {
      problems.unshift(
        `it was saved by the optimizer ${String(values.optimizer)}, this one is ${optimizer.name}`,
      );
    }
    if (problems.length > 0) {
      throw mismatch(
        `${problems.join('; ')}. Build the model and the optimizer as they were when it was saved (same layer names, shapes and rule).`,
      );
    }
    return {
      variables,
      state: {
        tensors: withoutPrefix('optimizer', tensors),
        values: values.state as OptimizerState['values'],
      },
      steps: values.steps as number,
      source: values.source as SourceState | null,
      extra: values.extra as JsonRecord,
      progress: values.progress as JsonRecord | null,
      tensors: withoutPrefix('trainer', tensors),
      dispose: () => tf.dispose(Object.values(tensors)),
    };
  } catch (error) {
    tf.dispose(Object.values(tensors));
    throw error;
  }
}

/** Restores optimizer, sources and variables, or, when one of them refuses, none. */
export function applyTraining<B>(
  opened: OpenedTraining,
  optimizer: Optimizer<B>,
  sources: readonly (readonly [BatchSource<B>, SourceState | null])[],
): void {
  const positions = sources.map(([source, state]) => {
    if (state === null) {
      throw mismatch(
        'It was saved without a batch source, so batches cannot be continued; restore without source, or save with one.',
      );
    }
    return { source, state, before: source.state() };
  });
  const current = optimizer.state();
  const before = {
    tensors: tf.tidy(() => mapTensors(current.tensors, (t) => tf.clone(t))),
    values: current.values,
  };
  try {
    optimizer.restore(opened.state);
    try {
      for (const { source, state } of positions) source.restore(state);
    } catch (error) {
      for (const position of positions) position.source.restore(position.before);
      optimizer.restore(before);
      throw error;
    }
    for (const variable of modelVariables(optimizer)) variable.assign(opened.variables[variable.name]!);
  } finally {
    tf.dispose(Object.values(before.tensors));
  }
}

/** Variables and state variables of the objective. */
export function modelVariables<B>(optimizer: Optimizer<B>): readonly tf.Variable[] {
  return [...optimizer.objective.variables, ...optimizer.objective.stateVariables];
}

function modelTensors<B>(optimizer: Optimizer<B>): TensorMap {
  const variables = modelVariables(optimizer);
  const tensors: TensorMap = Object.fromEntries(variables.map((variable) => [variable.name, variable]));
  if (Object.keys(tensors).length < variables.length) {
    throw new ApoError(
      'INVALID_ARGUMENT',
      'Two variables of the objective (or one of its state variables) share a name; a checkpoint is keyed by name, so give each its own.',
    );
  }
  return tensors;
}

function differences(expected: TensorMap, given: TensorMap): string[] {
  const describe = (tensor: tf.Tensor): string => `${tensor.dtype} [${tensor.shape.join(', ')}]`;
  const problems: string[] = [];
  for (const [name, tensor] of Object.entries(expected)) {
    const found = Object.hasOwn(given, name) ? given[name] : undefined;
    if (found === undefined) problems.push(`variable ${name} is missing from the file`);
    else if (describe(found) !== describe(tensor)) {
      problems.push(`variable ${name} is ${describe(found)} in the file, ${describe(tensor)} in the model`);
    }
  }
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(expected, name)) problems.push(`variable ${name} is in the file only`);
  }
  return problems;
}

function prefixed(prefix: string, tensors: TensorMap): TensorMap {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${prefix}/${name}`, tensor]));
}

function withoutPrefix(prefix: string, tensors: TensorMap): TensorMap {
  const start = `${prefix}/`;
  return Object.fromEntries(
    Object.entries(tensors)
      .filter(([name]) => name.startsWith(start))
      .map(([name, tensor]) => [name.slice(start.length), tensor]),
  );
}

function mismatch(problem: string): ApoError {
  return new ApoError('CHECKPOINT_MISMATCH', `The checkpoint does not fit: ${problem}`);
}

/** The tasks of this package by name. */
import { ApoError } from '@apo/core';
import { closest, distance } from 'fastest-levenshtein';
import { autoencoder, autoencoderSmall, autoencoderTiny } from './autoencoder.js';
import { digits } from './digits.js';
import { illConditionedRegression } from './ill-conditioned-regression.js';
import { lenetMnist } from './lenet-mnist.js';
import { mnistMlp, mnistMlpSmall } from './mnist-mlp.js';
import { rosenbrock } from './rosenbrock.js';
import type { Task } from './task.js';
import { uciParkinsonsTask, uciProteinTask, uciSliceTask } from './uci.js';

/** All of them, the quickest first. */
export const tasks: readonly Task[] = [
  rosenbrock,
  illConditionedRegression,
  digits,
  uciParkinsonsTask,
  uciProteinTask,
  uciSliceTask,
  autoencoderTiny,
  mnistMlpSmall,
  lenetMnist,
  mnistMlp,
  autoencoderSmall,
  autoencoder,
];

/** Their names, in the same order. */
export const taskNames: readonly string[] = tasks.map(({ name }) => name);

/** The task called `name`. @throws ApoError `INVALID_ARGUMENT` for an unknown name: all names, and the one that was probably meant. */
export function findTask(name: string): Task {
  const found = tasks.find((task) => task.name === name);
  if (found !== undefined) return found;
  const near = closest(name, [...taskNames]);
  const hint = distance(name, near) <= near.length / 2 ? ` Did you mean "${near}"?` : '';
  throw new ApoError(
    'INVALID_ARGUMENT',
    `Unknown task "${name}"; expected one of ${taskNames.join(', ')}.${hint}`,
  );
}

/** What a run has written, read back. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeCheckpoint } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Metrics } from '../run/metrics.js';
import type { Summary } from '../run/summary.js';

export const metricsOf = (directory: string): Metrics[] =>
  readFileSync(join(directory, 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Metrics);

export const summaryOf = (directory: string): Summary =>
  JSON.parse(readFileSync(join(directory, 'summary.json'), 'utf8')) as Summary;

/** Every tensor of a checkpoint as bytes, by name. */
export function checkpointTensors(directory: string): Record<string, number[]> {
  const { tensors } = decodeCheckpoint(readFileSync(join(directory, 'checkpoint.apo')));
  const values = Object.entries(tensors).map(([name, tensor]) => [name, Array.from(tensor.dataSync())]);
  tf.dispose(Object.values(tensors));
  return Object.fromEntries(values) as Record<string, number[]>;
}

/** Both ways to drive a computation, and several of them side by side. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isApoError } from '@apo/core';
import { linalgPool } from '../linalg/linalg-pool.js';
import { decompose, invertAll, read, runAsync, runNow, together } from './needs.js';
import type { Needs } from './needs.js';

const pool = linalgPool({ workers: 0 });
const drivers: readonly (readonly [string, <T>(needs: () => Needs<T>) => Promise<T>])[] = [
  ['on the calling thread', (needs) => Promise.resolve().then(() => runNow(needs()))],
  ['awaiting', (needs) => runAsync(needs(), pool)],
];

let vector: tf.Tensor;
beforeAll(async () => {
  await tf.setBackend('cpu');
  vector = tf.tensor1d([2, 8]);
});
afterAll(() => vector.dispose());

/** Reads the vector, and inverts the diagonal matrix with it plus `damping`. */
function* inverseDiagonal(damping: number): Needs<number[]> {
  const [values] = yield* read([vector]);
  const matrix = Float64Array.of(values![0]!, 0, 0, values![1]!);
  const [inverse] = yield* invertAll([{ matrix, side: 2, damping, layer: `damped by ${damping}` }]);
  return [inverse![0]!, inverse![3]!];
}

function* smallest(): Needs<number[]> {
  const [eigen] = yield* decompose([{ matrix: Float64Array.of(0, 3, 3, 0), side: 2, layer: 'swap' }]);
  return [eigen!.values[0]!];
}

function* nothing(): Needs<number[]> {
  yield* read([]);
  return [];
}

describe.each(drivers)('computations %s', (_, drive) => {
  it('side by side give what each gives alone, however many rounds each needs', async () => {
    // 1/2, 1/8; no need at all; the eigenvalues of a swap times 3 are ±3; 1/(2 + 2), 1/(8 + 2).
    const found = await drive(() =>
      together([inverseDiagonal(0), nothing(), smallest(), inverseDiagonal(2)]),
    );
    expect(found[0]).toEqual([0.5, 0.125].map((value) => expect.closeTo(value, 12) as number));
    expect(found[1]).toEqual([]);
    expect(found[2]).toEqual([expect.closeTo(-3, 12)]);
    expect(found[3]).toEqual([0.25, 0.1].map((value) => expect.closeTo(value, 12) as number));
  });

  it('end with the first error in their order', async () => {
    // A matrix of zeros has no inverse, and a negative damping is refused.
    function* singular(): Needs<Float64Array[]> {
      yield* read([vector]);
      return yield* invertAll([{ matrix: new Float64Array(4), side: 2, damping: 0, layer: 'zero' }]);
    }
    const failing = drive(() => together<unknown>([smallest(), singular(), inverseDiagonal(-1)]));
    await expect(failing).rejects.toMatchObject({ reason: 'not-positive-definite', layer: 'zero' });
    const other = drive(() => together<unknown>([inverseDiagonal(-1), singular()]));
    await expect(other).rejects.toThrow(/damping/);
  });

  it('hear of an error where they asked', async () => {
    function* careful(): Needs<string> {
      try {
        yield* invertAll([{ matrix: new Float64Array(1), side: 1, damping: 0, layer: 'zero' }]);
        return 'inverted';
      } catch {
        return 'caught';
      }
    }
    expect(await drive(careful)).toBe('caught');
  });
});

it('a computation that is no longer wanted stops where it waited, with no result and no error', async () => {
  const reached: string[] = [];
  function* counting(): Needs<string> {
    reached.push('begun');
    yield* read([vector]);
    reached.push('read');
    return 'result';
  }
  /** Fails while it is waited for. */
  function* failing(): Needs<string> {
    yield* invertAll([{ matrix: new Float64Array(4), side: 2, damping: 0, layer: 'zero' }]);
    return 'result';
  }
  expect(await runAsync(counting(), pool, () => false)).toBeUndefined();
  expect(reached).toEqual(['begun']);
  expect(await runAsync(failing(), pool, () => false)).toBeUndefined();
  expect(await runAsync(counting(), pool, () => true)).toBe('result');
});

it('an engine that cannot wait is named', () => {
  const tensor = tf.scalar(1);
  tensor.dataSync = () => {
    throw new Error('asynchronous only');
  };
  let caught: unknown;
  try {
    runNow(read([tensor]));
  } catch (error) {
    caught = error;
  }
  expect(isApoError(caught) && [caught.code, /prepare\(batch\).*waitForSteps/.test(caught.message)]).toEqual([
    'UNSUPPORTED',
    true,
  ]);
  tensor.dispose();
});

/** Einsum against the definition in float64 over generated equations: every split of labels into batch, rows, columns, contracted and summed. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { evaluate, expectClose, randomTensor, startWasm } from '../testing/setup.js';

beforeAll(startWasm);

interface Case {
  readonly terms: readonly string[];
  readonly output: string;
  readonly extents: Readonly<Record<string, number>>;
}

/** Σ over the labels that are not in the output of the product of the operands, index by index. */
function definition({ terms, output, extents }: Case, operands: ArrayLike<number>[]): Float64Array {
  const labels = Array.from(new Set(terms.join('')));
  const sizes = (term: string): number[] => Array.from(term, (label) => extents[label]!);
  const flat = (term: string, at: ReadonlyMap<string, number>): number =>
    Array.from(term).reduce((index, label) => index * extents[label]! + at.get(label)!, 0);
  const result = new Float64Array(tf.util.sizeFromShape(sizes(output)));
  const total = tf.util.sizeFromShape(labels.map((label) => extents[label]!));
  for (let i = 0; i < total; i++) {
    let rest = i;
    const at = new Map<string, number>();
    for (const label of labels) {
      at.set(label, rest % extents[label]!);
      rest = Math.floor(rest / extents[label]!);
    }
    result[flat(output, at)]! += terms.reduce((p, term, j) => p * operands[j]![flat(term, at)]!, 1);
  }
  return result;
}

function check(one: Case, dtype: 'float32' | 'int32' = 'float32'): void {
  const { terms, output, extents } = one;
  const operands = terms.map((term, i) => {
    const values = randomTensor(
      Array.from(term, (label) => extents[label]!),
      i + 1,
    );
    return dtype === 'float32' ? values : tf.tidy(() => tf.cast(tf.mul(values, 9), 'int32'));
  });
  const equation = `${terms.join()}->${output}`;
  const { shape, values } = evaluate(() => tf.einsum(equation, ...operands));
  expect(shape).toEqual(Array.from(output, (label) => extents[label]!));
  expectClose(
    values,
    definition(
      one,
      operands.map((operand) => operand.dataSync()),
    ),
  );
}

const someOf = (labels: string): fc.Arbitrary<string> =>
  fc.shuffledSubarray(labels.split('')).map((chosen) => chosen.join(''));

const cases: fc.Arbitrary<Case> = fc
  .record({
    terms: fc.array(someOf('abcde'), { minLength: 1, maxLength: 2 }),
    extents: fc.record(
      Object.fromEntries('abcde'.split('').map((label) => [label, fc.integer({ min: 1, max: 4 })])),
    ),
  })
  .chain(({ terms, extents }) =>
    someOf(Array.from(new Set(terms.join(''))).join('')).map((output) => ({ terms, extents, output })),
  );

it('agrees with the definition for any equation of one or two operands', () => {
  fc.assert(
    fc.property(cases, (one) => check(one)),
    { seed: 11, numRuns: 300 },
  );
});

it('agrees with it for integers', () => {
  fc.assert(
    fc.property(cases, (one) => check(one, 'int32')),
    { seed: 12, numRuns: 100 },
  );
});

it.each([
  ['bqhd,bkhd->bhqk', { b: 2, h: 3, q: 17, k: 19, d: 16 }],
  ['bhqk,bkhd->bqhd', { b: 2, h: 3, q: 17, k: 19, d: 16 }],
  ['mk,kn->mn', { m: 33, k: 70, n: 45 }],
  ['km,kn->mn', { m: 33, k: 70, n: 45 }],
  ['mk,nk->nm', { m: 33, k: 70, n: 45 }],
] as const)('%s at the size of a model', (equation, extents) => {
  const [inputs, output] = equation.split('->') as [string, string];
  check({ terms: inputs.split(','), output, extents });
});

it('of nothing is zero', () => {
  check({ terms: ['ij', 'jk'], output: 'ik', extents: { i: 2, j: 0, k: 3 } });
});

it('gives its input back where nothing is to be done', () => {
  const x = randomTensor([2, 3], 5);
  expect(tf.einsum('ij->ij', x).dataId).toBe(x.dataId);
});

it('refuses extents that differ, and leaves nothing behind', () => {
  const before = tf.memory().numTensors;
  expect(() => tf.einsum('ij,jk->ik', tf.zeros([2, 3]), tf.zeros([4, 5]))).toThrow(/\[2, 3\] and \[4, 5\]/);
  expect(tf.memory().numTensors).toBe(before + 2);
});

import { isApoError } from '@apo/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPartition, partition } from './partition-table.js';
import type { NamedShape } from './matricize.js';
import type { PartitionOptions } from './partition.js';

const variable = (name: string, ...shape: number[]): NamedShape => ({ name, shape });

/** `name: variables [m, n] block` of each row. */
function summary(variables: readonly NamedShape[], options?: PartitionOptions): string[] {
  return partition(variables, options).map(
    ({ name, variables: names, shape, block }) =>
      `${name}: ${names.join(' + ')} [${shape.join(', ')}] ${block}`,
  );
}

function refusal(f: () => unknown): string {
  try {
    f();
  } catch (error) {
    if (isApoError(error) && error.code === 'INVALID_ARGUMENT') return error.message;
    throw error;
  }
  throw new Error('Nothing was refused.');
}

const dense = [variable('dense1/kernel', 784, 100), variable('dense1/bias', 100)];

describe('what each variable gets', () => {
  it('dense: the bias is one more row', () => {
    expect(summary(dense)).toEqual(['dense1: dense1/kernel + dense1/bias [785, 100] rank 16']);
  });

  it('dense layers under the names of TensorFlow.js layers, unique suffixes included', () => {
    expect(
      summary([
        variable('dense_Dense1/kernel', 50, 40),
        variable('dense_Dense1/bias', 40),
        variable('dense_Dense1/kernel_1', 40, 50),
        variable('dense_Dense1/bias_1', 50),
        variable('head/weight', 50, 40),
        variable('head/bias', 40),
      ]),
    ).toEqual([
      'dense_Dense1: dense_Dense1/kernel + dense_Dense1/bias [51, 40] rank 16',
      'dense_Dense1/kernel_1: dense_Dense1/kernel_1 + dense_Dense1/bias_1 [41, 50] rank 16',
      'head: head/weight + head/bias [51, 40] rank 16',
    ]);
  });

  it('convolutions: patches make the rows', () => {
    expect(
      summary([
        variable('conv1/kernel', 3, 3, 16, 40),
        variable('conv1/bias', 40),
        variable('conv1d/kernel', 5, 16, 40),
        variable('conv3d/kernel', 3, 3, 3, 2, 40),
      ]),
    ).toEqual([
      'conv1: conv1/kernel + conv1/bias [145, 40] rank 16',
      'conv1d/kernel: conv1d/kernel [80, 40] rank 16',
      'conv3d/kernel: conv3d/kernel [54, 40] rank 16',
    ]);
  });

  it('depthwise and separable convolutions; their bias belongs to the last kernel that it fits', () => {
    expect(
      summary([
        variable('a/depthwise_kernel', 3, 3, 20, 2),
        variable('a/bias', 40),
        variable('b/depthwise_kernel', 3, 3, 20, 2),
        variable('b/pointwise_kernel', 1, 1, 40, 40),
        variable('b/bias', 40),
      ]),
    ).toEqual([
      'a: a/depthwise_kernel + a/bias [10, 40] full × rank 16',
      'b/depthwise_kernel: b/depthwise_kernel [9, 40] full × rank 16',
      'b: b/pointwise_kernel + b/bias [41, 40] rank 16',
    ]);
  });

  it('transposed convolutions: the output channels make the columns', () => {
    expect(
      summary([variable('conv2d_transpose/kernel', 3, 3, 40, 8), variable('conv2d_transpose/bias', 40)]),
    ).toEqual(['conv2d_transpose: conv2d_transpose/kernel + conv2d_transpose/bias [73, 40] rank 16']);
  });

  it('recurrent layers: the bias goes to the input kernel', () => {
    expect(
      summary([
        variable('lstm/kernel', 40, 160),
        variable('lstm/recurrent_kernel', 40, 160),
        variable('lstm/bias', 160),
      ]),
    ).toEqual([
      'lstm: lstm/kernel + lstm/bias [41, 160] rank 16',
      'lstm/recurrent_kernel: lstm/recurrent_kernel [40, 160] rank 16',
    ]);
  });

  it('attention projections', () => {
    expect(
      summary([
        variable('attention/query/kernel', 64, 4, 10),
        variable('attention/query/bias', 4, 10),
        variable('attention/output/kernel', 4, 10, 64),
        variable('attention/output/bias', 64),
      ]),
    ).toEqual([
      'attention/query: attention/query/kernel + attention/query/bias [65, 40] rank 16',
      'attention/output: attention/output/kernel + attention/output/bias [41, 64] rank 16',
    ]);
  });

  it('embeddings: nothing but S on the vocabulary side', () => {
    expect(summary([variable('embedding_1/embeddings', 5000, 64)])).toEqual([
      'embedding_1/embeddings: embedding_1/embeddings [5000, 64] identity × rank 16',
    ]);
    expect(
      summary([variable('patch_embedding/kernel', 48, 64), variable('patch_embedding/bias', 64)]),
    ).toEqual(['patch_embedding: patch_embedding/kernel + patch_embedding/bias [49, 64] rank 16']);
  });

  it('normalisation and lone vectors: a diagonal', () => {
    expect(
      summary([
        variable('norm/gamma', 8),
        variable('norm/beta', 8),
        variable('temperature'),
        variable('prelu/alpha', 4, 4, 8),
      ]),
    ).toEqual([
      'norm/gamma: norm/gamma [1, 8] diagonal',
      'norm/beta: norm/beta [1, 8] diagonal',
      'temperature: temperature [1, 1] diagonal',
      'prelu/alpha: prelu/alpha [1, 128] diagonal',
    ]);
  });

  it('a side of length one has no factor', () => {
    expect(summary([variable('head/kernel', 100, 1), variable('head/bias', 1)])).toEqual([
      'head: head/kernel + head/bias [101, 1] rank 16 × identity',
    ]);
  });

  it('a bias that does not fit, or a layer named like a variable, is no reason to fail', () => {
    expect(
      summary([
        variable('a/kernel', 4, 6),
        variable('a/bias', 5),
        variable('b/kernel', 4, 6),
        variable('b/bias', 6),
        variable('b', 3),
      ]),
    ).toEqual([
      'a/kernel: a/kernel [4, 6] full',
      'a/bias: a/bias [1, 5] diagonal',
      'b/kernel: b/kernel + b/bias [5, 6] full',
      'b: b [1, 3] diagonal',
    ]);
  });
});

describe('options', () => {
  it.each<[PartitionOptions, string]>([
    [{ form: 'full' }, 'full'],
    [{ form: 'full', maxBlockSize: 500 }, 'identity × full'],
    [{ form: 'block' }, 'blocks of 61 × blocks of 50'], // 785 = 13 · 61 − 8, 100 = 2 · 50
    [{ form: 'block', blockSize: 100 }, 'blocks of 99 × full'], // 785 = 8 · 99 − 7
    [{ form: 'diagonal' }, 'diagonal'],
    [{ rank: 4 }, 'rank 4'],
    [{ rank: 50 }, 'rank 50 × full'],
  ])('%o', (options, block) => {
    expect(partition(dense, options).map((row) => row.block)).toEqual([block]);
  });

  it('foldBias: false leaves the bias a diagonal of its own', () => {
    expect(summary(dense, { foldBias: false })).toEqual([
      'dense1/kernel: dense1/kernel [784, 100] rank 16',
      'dense1/bias: dense1/bias [1, 100] diagonal',
    ]);
  });

  it('the first override that matches holds', () => {
    const variables = [...dense, variable('dense2/kernel', 100, 60), variable('dense2/bias', 60)];
    expect(
      summary(variables, {
        overrides: [
          { pattern: /dense2\/bias/, block: { form: 'diagonal' } },
          { pattern: /dense2/, block: { form: 'full' } },
          { pattern: /dense/, block: { sides: 'rows', rank: 8 } },
        ],
      }),
    ).toEqual([
      'dense1: dense1/kernel + dense1/bias [785, 100] rank 8 × identity',
      'dense2/kernel: dense2/kernel [100, 60] full',
      'dense2/bias: dense2/bias [1, 60] diagonal',
    ]);
  });

  it('an override can say which axes make the rows', () => {
    expect(
      summary([variable('mix/kernel', 8, 5, 7)], {
        overrides: [{ pattern: /mix/, block: { rows: [0, 2], form: 'full' } }],
      }),
    ).toEqual(['mix/kernel: mix/kernel [56, 5] full']);
  });

  it.each<[PartitionOptions, RegExp]>([
    [{ rank: 0 }, /rank is 0; expected a whole number ≥ 1/],
    [{ blockSize: 1.5 }, /blockSize is 1.5/],
    [{ maxBlockSize: -1 }, /maxBlockSize is -1/],
    [{ form: 'sparse' as 'full' }, /form is "sparse"; expected one of low-rank, full, block, diagonal/],
    [
      { overrides: [{ pattern: /conv/, block: {} }] },
      /\/conv\/ matches no variable; there are dense1\/kernel, dense1\/bias/,
    ],
    [{ overrides: [{ pattern: /dense/, block: { rank: -3 } }] }, /rank is -3/],
    [
      { overrides: [{ pattern: /kernel/, block: { rows: [2] } }] },
      /makes rows of the axes 2; the variable is \[784, 100\]/,
    ],
  ])('%o is refused', (options, message) => {
    expect(refusal(() => partition(dense, options))).toMatch(message);
  });
});

describe('the table', () => {
  it('counts parameters and operations', () => {
    // S 785·100; A 2·100·16, B 2·785·16. FLOPs: 16·785·100·16, 4·16²·(785 + 100) and two passes of S² over 785·100.
    const [row] = partition(dense);
    expect(row).toMatchObject({
      parameters: 78_500 + 3_200 + 25_120,
      flops: 20_096_000 + 906_240 + 157_000,
    });
  });

  it('is printed with totals', () => {
    const rows = partition([...dense, variable('norm/gamma', 100)]);
    expect(formatPartition(rows).split('\n')).toEqual([
      'variable                     shape       block     parameters  FLOPs a step',
      'dense1/kernel + dense1/bias  [785, 100]  rank 16      106,820    21,159,240',
      'norm/gamma                   [1, 100]    diagonal         100           200',
      'all                                                   106,920    21,159,440',
    ]);
  });

  it('says where a step of the full form rotates the batch, if it knows the rows', () => {
    const wide = [variable('a/kernel', 1000, 1000), variable('b/kernel', 1000, 10)];
    const blocks = (rows?: number) => partition(wide, { form: 'full' }, rows).map(({ block }) => block);
    expect(blocks()).toEqual(['full', 'full']);
    // 6·100·m² for R in place of 4·m³, and 2·m² for S⊙S⊙R, m = 1000; a side of 10 has no use for it.
    expect(blocks(100)).toEqual(['full, rotated', 'full']);
    expect(partition(wide, { form: 'full' }, 100)[0]!.flops).toBe(4e9 + 6e8 + 2e6);
    expect(blocks(600)).toEqual(['full', 'full']);
    expect(refusal(() => partition(wide, {}, 0))).toMatch(/batchRows/);
  });

  it('has every variable once, whatever the shapes', () => {
    const shapes = fc.array(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 5 }), {
      minLength: 1,
      maxLength: 8,
    });
    const endings = fc.constantFrom(
      'kernel',
      'bias',
      'weight',
      'depthwise_kernel',
      'embeddings',
      'gamma',
      'x',
    );
    fc.assert(
      fc.property(shapes, fc.array(endings, { minLength: 8, maxLength: 8 }), (list, names) => {
        const variables = list.map((shape, i) => ({ name: `layer${i >> 1}/${names[i]!}${i}`, shape }));
        const rows = partition(variables);
        expect(rows.flatMap((row) => row.variables).sort()).toEqual(variables.map(({ name }) => name).sort());
        const size = variables.reduce((sum, { shape }) => sum + shape.reduce((p, d) => p * d, 1), 0);
        expect(rows.reduce((sum, { shape: [m, n] }) => sum + m * n, 0)).toBe(size);
      }),
      { numRuns: 200, seed: 3 },
    );
  });
});

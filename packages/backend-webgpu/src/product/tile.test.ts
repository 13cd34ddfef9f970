/** The tiles that a GPU gets, computed here by whatever device there is: every one of them, and the choice among them by the shape. */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { webgpuBackend } from '../index.js';
import { Matrix } from '../testing/matrix.js';
import { backend, expectClose, randomValues, take, titleOf, whyNoWebgpu } from '../testing/setup.js';
import { multiply } from './product.js';
import { chooseTile, threadsOf, tilesFor } from './tile.js';

const gpu = (maxComputeWorkgroupStorageSize: number): WebGPUBackend =>
  ({
    software: false,
    adapterInfo: {},
    device: { limits: { maxComputeWorkgroupStorageSize } },
  }) as unknown as WebGPUBackend;

const [LEAST, USUAL] = [16_384, 32_768];

const nameOf = (tile: ReturnType<typeof chooseTile>): string =>
  `${tile.rows}×${tile.columns} in ${tile.slices}`;

describe('tiles of a GPU', () => {
  test('are those that its memory holds: the large one, and two sums of the others, need more than the least', () => {
    expect(tilesFor(gpu(USUAL), 1).map(nameOf)).toEqual([
      '64×64 in 1',
      '32×32 in 4',
      '64×16 in 4',
      '16×64 in 4',
      '16×16 in 16',
      '128×128 in 1',
    ]);
    expect(tilesFor(gpu(LEAST), 1).map(nameOf)).not.toContain('128×128 in 1');
    for (const sums of [1, 2]) {
      const least = tilesFor(gpu(LEAST), sums);
      expect(least.length).toBeGreaterThan(0);
      // What WebGPU gives every device.
      expect(least.every((tile) => threadsOf(tile) <= 256)).toBe(true);
    }
  });

  test('grow with the result, and lie along its longer side', () => {
    const tiles = tilesFor(gpu(USUAL), 1);
    const chosen = (rows: number, columns: number): string => nameOf(chooseTile([1, rows, columns], tiles));
    expect(chosen(4096, 4096)).toBe('128×128 in 1');
    expect(chosen(10, 10)).toBe('16×16 in 16');
    expect(chosen(4096, 10)).toBe('64×16 in 4');
    expect(chosen(10, 4096)).toBe('16×64 in 4');
  });
});

const missing = await whyNoWebgpu();

describe.skipIf(missing !== undefined)(`products by tiles of a GPU${titleOf(missing)}`, () => {
  beforeAll(async () => {
    await webgpuBackend().activate();
  });

  // Beyond one tile of most, in fours and not; the inner side is no multiple of what lies in memory.
  test.each(tilesFor(gpu(USUAL), 1).map((tile) => [nameOf(tile), tile] as const))(
    '%s is right',
    async (_, tile) => {
      const [rows, inner, columns] = [67, 70, 68];
      const a = new Matrix(rows, inner, Array.from(randomValues(rows * inner, 1)));
      const b = new Matrix(inner, columns, Array.from(randomValues(inner * columns, 2)));
      const result = backend().makeTensorInfo([rows, columns], 'float32');
      tf.tidy(() => {
        multiply(
          backend(),
          {
            key: 'tile',
            shape: [1, rows, columns],
            phases: [
              {
                inner,
                pairs: [
                  [
                    { buffer: 'a', stride: inner },
                    { buffer: 'b', stride: columns },
                  ],
                ],
              },
            ],
            inputs: {
              a: tf.tensor2d([...a.values], [rows, inner]),
              b: tf.tensor2d([...b.values], [inner, columns]),
            },
            outputs: { result },
            finish: 'result[at] = sum0;',
          },
          { tile },
        );
      });
      const values = await take(tf.engine().makeTensorFromTensorInfo(result));
      expectClose(values, a.times(b).values, 1e-5);
    },
  );
});

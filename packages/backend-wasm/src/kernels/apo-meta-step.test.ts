/** The kernels that a meta-step asks for beside P and its derivatives, against plain numbers in double precision. */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { runEngineKernel } from '@apo/core';
import type { TensorMap } from '@apo/core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { wasmBackend } from '../adapter.js';
import { chooseNativeBuild } from '../native/module.js';
import { threadCount } from '../threads/parallel.js';
import { expectClose, randomTensor, startWasm } from '../testing/setup.js';

beforeAll(startWasm);
afterEach(() => chooseNativeBuild('auto'));

/** Below, at and above a vector, a block of 1,024 and a chunk of 65,536. */
const sizes = [0, 1, 3, 4, 5, 1023, 1024, 1029, 65_536, 140_001];

const tensors = (seed: number): TensorMap =>
  Object.fromEntries(sizes.map((size, i) => [`w${i}`, randomTensor([size], seed + i)]));
const data = (list: readonly tf.Tensor[]): number[][] => list.map((t) => Array.from(t.dataSync()));
const run = (...call: Parameters<typeof runEngineKernel>): number[][] | undefined => {
  const outputs = runEngineKernel(...call);
  return outputs && data(outputs);
};

/** Runs `body` in a tidy and checks that no tensor and no block of memory is left. */
function clean(body: () => void): void {
  const backend = tf.backend() as unknown as BackendWasm;
  const before = [tf.memory().numTensors, backend.numDataIds()];
  tf.tidy(body);
  expect([tf.memory().numTensors, backend.numDataIds()]).toEqual(before);
}

function pull(roles: Record<string, TensorMap>): number[][] | undefined {
  return run('ApoWeightPull', { roles, attributes: { lambda: 0.3 } });
}

function differenceProducts(a: TensorMap, b: TensorMap, subtrahend: TensorMap): number[] {
  const attributes = { groups: 2, places: sizes.map((_, i) => i % 2) };
  return run('ApoInnerProduct', { roles: { a, b, subtrahend }, attributes })![0]!;
}

describe.each(['relaxed', 'simd'] as const)('build %s', (build) => {
  it('v + λ (θ′ − θ), and Σ (θ′ − θ)² with it or alone', () => {
    chooseNativeBuild(build);
    clean(() => {
      const [cotangent, lookahead, variable] = [tensors(1), tensors(100), tensors(200)];
      const [v, next, old] = [cotangent, lookahead, variable].map((map) => data(Object.values(map))) as [
        number[][],
        number[][],
        number[][],
      ];
      let squares = 0;
      const expected = v.map((own, i) =>
        own.map((value, j) => {
          const difference = next[i]![j]! - old[i]![j]!;
          squares += difference * difference;
          return value + 0.3 * difference;
        }),
      );
      const actual = pull({ cotangent, lookahead, variable })!;
      expected.forEach((own, i) => expectClose(actual[i]!, own, 1e-6));
      expectClose(actual[sizes.length]!, [squares], 1e-6);
      expect(pull({ lookahead, variable })).toEqual([actual[sizes.length]]);
    });
  });
});

describe.each(['relaxed', 'simd', 'off'] as const)('build %s', (build) => {
  it('Σ ⟨a, b − c⟩ over each group', () => {
    chooseNativeBuild(build);
    clean(() => {
      const [a, b, c] = [tensors(1), tensors(100), tensors(200)];
      const [x, y, z] = [a, b, c].map((map) => data(Object.values(map))) as [
        number[][],
        number[][],
        number[][],
      ];
      const expected = [0, 0];
      x.forEach((own, i) => own.forEach((value, j) => (expected[i % 2]! += value * (y[i]![j]! - z[i]![j]!))));
      expectClose(differenceProducts(a, b, c), expected, 1e-5);
    });
  });

  it.each([0, 2, 1027, 1028])('Σ ⟨a, a − a⟩ is 0 unless element %i is not finite', (at) => {
    chooseNativeBuild(build);
    clean(() => {
      for (const [value, expected] of [
        [3.4e38, 0],
        [NaN, NaN],
        [Infinity, NaN],
      ] as const) {
        const own = Array.from({ length: 1029 }, () => 1);
        own[at] = value;
        const a = { w: tf.tensor1d(own) };
        const attributes = { groups: 1, places: [0] };
        expect(run('ApoInnerProduct', { roles: { a, b: a, subtrahend: a }, attributes })).toEqual([
          [expected],
        ]);
      }
    });
  });

  it('select gives the tensors of one role, without a copy', () => {
    chooseNativeBuild(build);
    clean(() => {
      const roles = { yes: tensors(1), no: tensors(100) };
      for (const [holds, chosen] of [
        [true, roles.yes],
        [false, roles.no],
      ] as const) {
        const single = { condition: tf.scalar(holds, 'bool') };
        const outputs = runEngineKernel('ApoSelect', { roles, single, attributes: {} })!;
        expect(outputs.map(({ dataId }) => dataId)).toEqual(
          Object.values(chosen).map(({ dataId }) => dataId),
        );
        const before = data(outputs);
        expect(before).toEqual(data(Object.values(chosen)));
        // What an output shares its data with outlives it.
        tf.dispose(outputs);
        expect(data(Object.values(chosen))).toEqual(before);
      }
    });
  });
});

it('an output of select stays when the tensor it was chosen from is gone', () => {
  clean(() => {
    const [yes, no] = [tf.tensor1d([1, 2]), tf.tensor1d([3, 4])];
    const roles = { yes: { w: yes }, no: { w: no } };
    const single = { condition: tf.scalar(false, 'bool') };
    const [chosen] = runEngineKernel('ApoSelect', { roles, single, attributes: {} })!;
    tf.dispose([yes, no]);
    expect(data([chosen!])).toEqual([[3, 4]]);
  });
});

it('declines to pull without the module, and plain operators are to run', () => {
  chooseNativeBuild('off');
  clean(() => {
    expect(pull({ lookahead: tensors(1), variable: tensors(2) })).toBeUndefined();
  });
});

it('gives the same bits for any number of threads', async () => {
  const seen: unknown[] = [];
  for (const threads of [1, 2, 3]) {
    await wasmBackend({ threads }).activate();
    expect(threadCount(tf.backend() as unknown as BackendWasm)).toBe(threads);
    clean(() => {
      const [cotangent, lookahead, variable] = [tensors(1), tensors(100), tensors(200)];
      seen.push([
        pull({ cotangent, lookahead, variable }),
        differenceProducts(cotangent, lookahead, variable),
      ]);
    });
  }
  expect(seen[1]).toEqual(seen[0]);
  expect(seen[2]).toEqual(seen[0]);
});

/**
 * What `compareKernels` measures: for each kernel a computation that runs it when it is registered, and plain ops when it is not, at the shapes of a
 * network's layers.
 */
import { adam, createRandom, momentum, rmsprop, runEngineKernel, sgd } from '@apo/core';
import type { TensorMap, UpdateRule } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { BATCH_NORM_GRADIENT } from '../kernels/apo-batch-norm-gradient.js';
import type { ProductProgram } from '../product-choice.js';
import { plainDerivatives, plainStep } from './plain-preconditioner.js';

export interface KernelCase {
  /** The name of the kernel, or of a product's program. */
  readonly kernel: string;
  readonly shape: string;
  /** Of products: which of ours; the other side is TensorFlow.js's. */
  readonly program?: Exclude<ProductProgram, 'tfjs'>;
  /** Numbers of the result, for products. */
  readonly size?: number;
  /** Makes the inputs; they belong to the caller. */
  inputs(): TensorMap;
  /** New tensors. Run inside `tf.tidy`. */
  run(inputs: TensorMap): tf.Tensor[];
}

export type CaseScale = 'small' | 'full';

/** `small` is for software renderers, `full` for GPUs. */
export function kernelCases(scale: CaseScale, subgroups: boolean): readonly KernelCase[] {
  const [side, rank] = scale === 'small' ? [96, 8] : [1024, 16];
  const rows = scale === 'small' ? 256 : 50_176;
  return [
    ...productShapes(scale).flatMap((shape) =>
      (subgroups ? (['tiled', 'subgroups'] as const) : (['tiled'] as const)).map((program) =>
        productCase(program, ...shape),
      ),
    ),
    ...(['low rank', 'whole'] as const).flatMap((form) => [
      preconditionerCase(form, 'update', side, rank),
      preconditionerCase(form, 'gradient', side, rank),
    ]),
    batchNormCase(rows, 64),
    ...updateCases(side),
    innerProductCase(side),
  ];
}

type ProductShape = readonly [
  rows: number,
  inner: number,
  columns: number,
  transposeA: boolean,
  transposeB: boolean,
];

/** A dense layer's forward product, its two gradients, one of few columns, and one of few numbers. */
function productShapes(scale: CaseScale): readonly ProductShape[] {
  const [batch, wide] = scale === 'small' ? [64, 128] : [512, 1024];
  return [
    [batch, wide, wide, false, false],
    [wide, batch, wide, true, false],
    [batch, wide, wide, false, true],
    [batch, wide, 10, false, false],
    [10, wide, 12, false, true],
    ...(scale === 'full' ? ([[2048, 2048, 2048, false, false]] as const) : []),
  ];
}

function productCase(
  program: Exclude<ProductProgram, 'tfjs'>,
  ...[rows, inner, columns, transposeA, transposeB]: ProductShape
): KernelCase {
  return {
    kernel: `matMul (${program})`,
    shape: `[${rows}, ${inner}]${transposeA ? 'ᵀ' : ''} × [${inner}, ${columns}]${transposeB ? 'ᵀ' : ''}`,
    program,
    size: rows * columns,
    inputs: () => ({
      a: random(transposeA ? [inner, rows] : [rows, inner], 1),
      b: random(transposeB ? [columns, inner] : [inner, columns], 2),
    }),
    run: ({ a, b }) => [tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, transposeA, transposeB)],
  };
}

function preconditionerCase(
  form: 'low rank' | 'whole',
  which: 'update' | 'gradient',
  n: number,
  rank: number,
): KernelCase {
  const m = n + 1;
  const name = form === 'whole' ? ('ApoKronecker' as const) : ('ApoLowRank' as const);
  const kernel = which === 'update' ? (`${name}Update` as const) : (`${name}Gradient` as const);
  const factorNames = form === 'whole' ? ['columns', 'rows'] : ['columnU', 'columnV', 'rowU', 'rowV'];
  return {
    kernel,
    shape: `[${n}, ${n}] + bias${form === 'whole' ? '' : `, rank ${rank}`}`,
    inputs: () => ({
      scale: random([m, n], 1),
      ...(form === 'whole'
        ? { columns: random([n, n], 2, n ** -0.5), rows: random([m, m], 3, m ** -0.5) }
        : {
            columnU: random([n, rank], 2, n ** -0.5),
            columnV: random([n, rank], 3, n ** -0.5),
            rowU: random([m, rank], 4, m ** -0.5),
            rowV: random([m, rank], 5, m ** -0.5),
          }),
      rates: tf.tensor1d([0.1]),
      g: random([n, n], 6),
      gBias: random([n], 7),
      other: random([n, n], 8),
      otherBias: random([n], 9),
    }),
    run(inputs) {
      const pair = (first: string): TensorMap => ({
        matrix: inputs[first]!,
        lastRow: inputs[`${first}Bias`]!,
      });
      const factors = Object.fromEntries(factorNames.map((key) => [key, inputs[key]!]));
      const single = { scale: inputs['scale']!, rates: inputs['rates']!, ...factors };
      const roles = { gradient: pair('g'), [which === 'update' ? 'variable' : 'cotangent']: pair('other') };
      const own = runEngineKernel(kernel, { roles, single, attributes: { place: 0 } });
      return own ?? (which === 'update' ? plainStep : plainDerivatives)(single, pair('g'), pair('other'));
    },
  };
}

function batchNormCase(rows: number, features: number): KernelCase {
  return {
    kernel: BATCH_NORM_GRADIENT,
    shape: `[${rows}, ${features}]`,
    inputs: () => ({
      x: random([rows, features], 1),
      dy: random([rows, features], 2),
      mean: random([features], 3),
      variance: tf.fill([features], 0.5),
      offset: random([features], 4),
      scale: random([features], 5),
    }),
    run({ x, dy, mean, variance, offset, scale }) {
      const normalise = (...t: tf.Tensor[]): tf.Tensor => {
        const [on, center, spread, shift, gain] = t as [
          tf.Tensor2D,
          tf.Tensor1D,
          tf.Tensor1D,
          tf.Tensor1D,
          tf.Tensor1D,
        ];
        return tf.batchNorm2d(on, center, spread, shift, gain);
      };
      return tf.grads(normalise)([x!, mean!, variance!, offset!, scale!], dy);
    },
  };
}

function updateCases(side: number): KernelCase[] {
  const rules: [string, UpdateRule][] = [
    ['ApoScaledSubtract', sgd({ learningRate: 0.1 })],
    ['ApoMomentum', momentum({ learningRate: 0.1 })],
    ['ApoRmsprop', rmsprop({ learningRate: 0.1 })],
    ['ApoAdam', adam({ learningRate: 0.1 })],
  ];
  return rules.map(([kernel, rule]) => ({
    kernel,
    shape: `${LAYERS} × ([${side}, ${side}] + [${side}])`,
    inputs: () => ({ ...layers(side, 'variable', 1), ...layers(side, 'gradient', 100) }),
    run(inputs) {
      const [variables, gradients] = [named(inputs, 'variable'), named(inputs, 'gradient')];
      const list = Object.entries(variables).map(
        ([name, { shape }]) => ({ name, shape }) as unknown as tf.Variable,
      );
      const input = { variables, gradients, state: rule.initialState(list), step: 1 };
      const phi = rule.initialPhi(list);
      const fused = rule.update!(input, phi, 1);
      if (fused) return [fused.variables, ...Object.values(fused.state)].flatMap((map) => Object.values(map));
      const { direction, state } = rule.direction(input);
      return [rule.apply(variables, phi, direction), ...Object.values(state)].flatMap((map) =>
        Object.values(map),
      );
    },
  }));
}

function innerProductCase(side: number): KernelCase {
  return {
    kernel: 'ApoInnerProduct',
    shape: `${LAYERS} × ([${side}, ${side}] + [${side}])`,
    inputs: () => ({ ...layers(side, 'a', 1), ...layers(side, 'b', 100) }),
    run(inputs) {
      const roles = { a: named(inputs, 'a'), b: named(inputs, 'b') };
      const places = Object.keys(roles.a).map(() => 0);
      const own = runEngineKernel('ApoInnerProduct', { roles, attributes: { groups: 1, places } });
      return (
        own ?? [
          tf.reshape(
            tf.addN(Object.entries(roles.a).map(([key, a]): tf.Scalar => tf.sum(tf.mul(a, roles.b[key]!)))),
            [1],
          ),
        ]
      );
    },
  };
}

const LAYERS = 6;

function layers(side: number, role: string, seed: number): TensorMap {
  const shapes = Array.from({ length: LAYERS }, () => [[side, side], [side]]).flat();
  return Object.fromEntries(shapes.map((shape, i) => [`${role}${i}`, random(shape, seed + i)]));
}

/** The tensors of a role, by their numbers. */
function named(inputs: TensorMap, role: string): TensorMap {
  const own = Object.entries(inputs).filter(([key]) => key.startsWith(role));
  return Object.fromEntries(own.map(([key, tensor]) => [`w${key.slice(role.length)}`, tensor]));
}

function random(shape: number[], seed: number, scale = 1): tf.Tensor {
  const source = createRandom(seed);
  const values = Float32Array.from(
    { length: tf.util.sizeFromShape(shape) },
    () => scale * (2 * source.next() - 1),
  );
  return tf.tensor(values, shape);
}

/**
 * A dispatch of matrix products: sums of products of matrices that are read where they lie, transposed or not, and code of one's own for each number of the
 * result before it is written. What the code is, `product-source.ts` says.
 */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type * as tf from '@tensorflow/tfjs-core';
import { compute, sizeOf } from '../compute.js';
import type { Extension, Field, Shader } from '../compute.js';
import { chooseTile, threadsOf, tilesFor } from './tile.js';
import type { Tile } from './tile.js';
import { productCode } from './product-source.js';

/** A matrix in a buffer, or several, one for each of the batch. */
export interface Operand {
  /** The name of an input. */
  readonly buffer: string;
  /** From one row in the buffer to the next. */
  readonly stride: number;
  /** The factor is the transpose of what lies there. Default false. */
  readonly transposed?: boolean;
  /** Where it starts. Default 0. */
  readonly offset?: number;
  /** From one matrix of the batch to the next. Default 0: all have the same. */
  readonly batchStride?: number;
}

/** Left and right factor of each sum. The same object twice is read once. */
export interface Phase {
  readonly inner: number;
  readonly pairs: readonly (readonly [left: Operand, right: Operand])[];
}

export interface Product {
  /** Names `finish`: equal names, equal code. */
  readonly key: string;
  /** Of the result: `[batch, rows, columns]`, without a zero. */
  readonly shape: readonly [number, number, number];
  /** Sums of each number of the result. Default 1. */
  readonly sums?: 1 | 2;
  /** Their products add up, in this order. Each has a pair for each sum; without a phase, sums are 0. */
  readonly phases: readonly Phase[];
  readonly inputs: Readonly<Record<string, tf.TensorInfo>>;
  readonly outputs: Readonly<Record<string, tf.TensorInfo>>;
  /** Numbers that `finish` reads as `uniforms.<name>`. */
  readonly integers?: Readonly<Record<string, number>>;
  readonly numbers?: Readonly<Record<string, number>>;
  /**
   * WGSL for one number of the result, with `sum0` (and `sum1`), `batch`, `row`, `column` and the place `at` in a dense result;
   * inputs are read by `get_<name>(place)`, outputs are arrays of f32. What it adds to `total` ends up in `totals`.
   */
  readonly finish: string;
  /** Takes the sum of what a workgroup's threads added to `total`, at the workgroup's number from `offset` on. */
  readonly totals?: { readonly output: string; readonly offset: number };
}

export interface ProductOptions {
  /** Default: by the shape. */
  readonly tile?: Tile;
  /** Threads in fours hand the left factor to one another. The device must have `subgroups`. Default false. */
  readonly subgroups?: boolean;
  /** Factors are rounded to 16 bits when they are read; sums have 32. The device must have `shader-f16`. Default false. */
  readonly halfPrecision?: boolean;
}

type Result = Pick<Product, 'shape' | 'sums'>;

function tileOf(backend: WebGPUBackend, { shape, sums = 1 }: Result, { tile }: ProductOptions): Tile {
  return tile ?? chooseTile(shape, tilesFor(backend, sums));
}

/** Of the product's dispatch: the length of its `totals`. */
export function workgroupsOf(backend: WebGPUBackend, result: Result, options: ProductOptions = {}): number {
  const { rows: tileRows, columns: tileColumns } = tileOf(backend, result, options);
  const [batch, rows, columns] = result.shape;
  return batch * Math.ceil(rows / tileRows) * Math.ceil(columns / tileColumns);
}

/** Enqueues the product; nothing is waited for. */
export function multiply(backend: WebGPUBackend, product: Product, options: ProductOptions = {}): void {
  const { shape, phases, inputs, outputs, integers = {}, numbers = {}, totals } = product;
  const shader = productShader(product, tileOf(backend, product, options), options);
  const [batch, rows, columns] = shape;
  compute(backend, shader, {
    outputs: Object.values(outputs),
    inputs: Object.values(inputs),
    uniforms: [
      batch,
      rows,
      columns,
      totals?.offset ?? 0,
      ...phases.map(({ inner }) => inner),
      ...operandsOf(phases).flatMap(({ offset = 0, batchStride = 0, stride }) => [
        offset,
        batchStride,
        stride,
      ]),
      ...Object.values(integers),
      ...Object.values(numbers),
    ],
    workgroups: workgroupsOf(backend, product, options),
  });
}

export function productShader(
  product: Product,
  tile: Tile,
  options: Omit<ProductOptions, 'tile'> = {},
): Shader {
  const { phases, inputs, outputs, sums = 1, integers = {}, numbers = {}, totals } = product;
  const { subgroups = false, halfPrecision = false } = options;
  const operands = operandsOf(phases);
  const inFours = new Set(Object.keys(inputs).filter((name) => readsInFours(product, operands, name)));
  const structure = phases
    .map(({ pairs }) =>
      pairs.map((pair) => pair.map((operand) => operands.indexOf(operand)).join('*')).join('&'),
    )
    .join('+');
  const extensions: Extension[] = [
    ...(subgroups ? (['subgroups'] as const) : []),
    ...(halfPrecision ? (['f16'] as const) : []),
  ];
  const field = (name: string): Field => ({ name, type: inFours.has(name) ? 'vec4f' : 'f32' });
  const integer = (name: string): Field => ({ name, type: 'i32' });
  return {
    key: [
      product.key,
      sums,
      Object.values(tile).join('x'),
      structure,
      ...operands.map(({ buffer, transposed = false }) => `${buffer}${transposed ? 'T' : ''}`),
      Object.keys(inputs)
        .map((name) => (inFours.has(name) ? `${name}4` : name))
        .join(),
      Object.keys({ ...integers, ...numbers }).join(),
      Object.keys(outputs).join(),
      totals?.output ?? '',
      ...extensions,
    ].join(' '),
    outputs: Object.keys(outputs),
    inputs: Object.keys(inputs).map(field),
    uniforms: [
      ...['batches', 'rows', 'columns', 'totalsOffset'].map(integer),
      ...phases.map((_, i) => integer(`inner${i}`)),
      ...operands.flatMap((_, i) =>
        ['offset', 'batchStride', 'stride'].map((name) => integer(`${name}${i}`)),
      ),
      ...Object.keys(integers).map(integer),
      ...Object.keys(numbers).map((name): Field => ({ name, type: 'f32' })),
    ],
    threads: threadsOf(tile),
    extensions,
    code: () => productCode({ product, operands, tile, inFours, subgroups, halfPrecision }),
  };
}

/** All that are read, each once. */
function operandsOf(phases: readonly Phase[]): readonly Operand[] {
  return [...new Set(phases.flatMap(({ pairs }) => pairs.flat()))];
}

/** Whether all factors in a buffer start, end and have their rows at multiples of four numbers. */
function readsInFours(
  { shape: [, rows, columns], phases, inputs }: Product,
  operands: readonly Operand[],
  name: string,
): boolean {
  const own = operands.filter(({ buffer }) => buffer === name);
  if (own.length === 0 || sizeOf(inputs[name]!) % 4 !== 0) return false;
  return own.every((operand) => {
    const { offset = 0, batchStride = 0, stride, transposed = false } = operand;
    const lengths = phases.flatMap(({ inner, pairs }) =>
      pairs.flatMap(([left, right]) => [
        ...(left === operand ? [transposed ? rows : inner] : []),
        ...(right === operand ? [transposed ? inner : columns] : []),
      ]),
    );
    return [offset, batchStride, stride, ...lengths].every((number) => number % 4 === 0);
  });
}

/** Convolutions by Winograd's minimal filtering, and both gradients, against a float64 loop; and what is not finite. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { convolutionGeometry } from '../../geometry.js';
import { describeBuilds, nativeBuilds } from '../../testing/builds.js';
import { convolution, convolutionGradients, outputSize } from '../../testing/reference.js';
import type { Conv } from '../../testing/reference.js';
import { evaluate, expectClose, randomValues, startWasm } from '../../testing/setup.js';
import { smallWindows } from './winograd.js';

beforeAll(startWasm);

type Shape = [number, number, number, number];

interface Shapes {
  readonly x: Shape;
  readonly w: Shape;
  readonly y: Shape;
}

function shapesOf(conv: Conv): Shapes {
  const { batch, inHeight, inWidth, inChannels, filterHeight, filterWidth, outChannels } = conv;
  const { outHeight, outWidth } = outputSize(conv);
  return {
    x: [batch, inHeight, inWidth, inChannels],
    w: [filterHeight, filterWidth, inChannels, outChannels],
    y: [batch, outHeight, outWidth, outChannels],
  };
}

function valuesOf({ x, w, y }: Shapes): { x: Float32Array; w: Float32Array; dy: Float32Array } {
  const size = (shape: Shape): number => tf.util.sizeFromShape(shape);
  return {
    x: randomValues(size(x), 1),
    w: randomValues(size(w), 2),
    dy: randomValues(size(y), 3),
  };
}

/** The convolution, and its gradients with respect to the input and the filter. */
function compute(
  conv: Conv,
  shapes: Shapes,
  { x, w, dy }: ReturnType<typeof valuesOf>,
): Record<'y' | 'dx' | 'dw', number[]> {
  const attrs = { strides: [1, 1], dilations: [1, 1], pad: conv.pad, dataFormat: 'NHWC' };
  const kernel = (name: string, inputs: tf.NamedTensorMap, more: tf.NamedAttrMap): number[] =>
    evaluate(() => tf.engine().runKernel<tf.Tensor>(name, inputs, { ...attrs, ...more })).values;
  const tensors = {
    x: tf.tensor4d(x, shapes.x),
    filter: tf.tensor4d(w, shapes.w),
    dy: tf.tensor4d(dy, shapes.y),
  };
  const result = {
    y: kernel('Conv2D', { x: tensors.x, filter: tensors.filter }, {}),
    dx: kernel('Conv2DBackpropInput', { dy: tensors.dy, filter: tensors.filter }, { inputShape: shapes.x }),
    dw: kernel('Conv2DBackpropFilter', { x: tensors.x, dy: tensors.dy }, { filterShape: shapes.w }),
  };
  tf.dispose(tensors);
  return result;
}

const windows = { filterHeight: 3, filterWidth: 3, strides: [1, 1] } as const;

/** Even and odd sizes, borders on any side or none, channels that fill panels or do not, one block or several of them. */
const cases: Record<string, Conv> = {
  'even sizes, same': {
    ...windows,
    batch: 2,
    inHeight: 12,
    inWidth: 14,
    inChannels: 16,
    outChannels: 16,
    pad: 'same',
  },
  'odd sizes, same': {
    ...windows,
    batch: 3,
    inHeight: 13,
    inWidth: 9,
    inChannels: 20,
    outChannels: 36,
    pad: 'same',
  },
  'valid, no border to add': {
    ...windows,
    batch: 2,
    inHeight: 14,
    inWidth: 18,
    inChannels: 24,
    outChannels: 16,
    pad: 'valid',
  },
  'valid, odd': {
    ...windows,
    batch: 4,
    inHeight: 11,
    inWidth: 9,
    inChannels: 16,
    outChannels: 44,
    pad: 'valid',
  },
  'one border wider than the window reaches': {
    ...windows,
    batch: 3,
    inHeight: 9,
    inWidth: 10,
    inChannels: 16,
    outChannels: 20,
    pad: [
      [0, 0],
      [0, 3],
      [2, 1],
      [0, 0],
    ],
  },
  'small images, blocks across them': {
    ...windows,
    batch: 70,
    inHeight: 3,
    inWidth: 2,
    inChannels: 64,
    outChannels: 64,
    pad: 'same',
  },
  'many channels': {
    ...windows,
    batch: 5,
    inHeight: 8,
    inWidth: 8,
    inChannels: 128,
    outChannels: 128,
    pad: 'same',
  },
  'many blocks in an image': {
    ...windows,
    batch: 1,
    inHeight: 40,
    inWidth: 41,
    inChannels: 32,
    outChannels: 32,
    pad: 'same',
  },
};

describe('smallWindows', () => {
  const geometryOf = (conv: Conv) => {
    const { x, w, y } = shapesOf(conv);
    return convolutionGeometry(x, w, y, { strides: [...conv.strides], pad: conv.pad }, false);
  };
  const conv = cases['even sizes, same']!;

  it('takes every case of this file', () => {
    for (const each of Object.values(cases)) expect(smallWindows(geometryOf(each), 0, 0)).toBeDefined();
  });

  it.each([
    ['another window', { filterWidth: 5 }],
    ['a stride', { strides: [1, 2] as const }],
    ['channels that are no multiple of four', { inChannels: 18 }],
    ['few channels', { outChannels: 12 }],
    ['few tiles', { batch: 1 }],
  ])('leaves %s to the direct way', (_, change) => {
    expect(smallWindows(geometryOf({ ...conv, ...change }), 0, 0)).toBeUndefined();
  });
});

describeBuilds('convolutions by minimal filtering', nativeBuilds, () => {
  for (const [name, conv] of Object.entries(cases)) {
    it(name, () => {
      const shapes = shapesOf(conv);
      const values = valuesOf(shapes);
      const { y, dx, dw } = compute(conv, shapes, values);
      const expected = convolutionGradients(conv, values.x, values.w, values.dy);
      // A sum of n terms below 1 is about √n, and its n roundings make about √n units in its last place.
      const terms = Math.max(
        9 * conv.inChannels,
        9 * conv.outChannels,
        shapes.y[0] * shapes.y[1] * shapes.y[2],
      );
      const tolerance = 2 ** -24 * terms;
      expectClose(y, convolution(conv, values.x, values.w), tolerance);
      expectClose(dx, expected.input, tolerance);
      expectClose(dw, expected.filter, tolerance);
    });
  }

  it('keeps NaN, infinities and overflow where they belong', () => {
    const conv = cases['odd sizes, same']!;
    const shapes = shapesOf(conv);
    const values = valuesOf(shapes);
    // A tile's sums of four such numbers overflow; the products with small weights do not.
    values.x.fill(2e38, 4000, 4400);
    values.w.forEach((w, i) => (values.w[i] = w * 1e-3));
    values.dy.forEach((dy, i) => (values.dy[i] = dy * 1e-6));
    const large = compute(conv, shapes, values);
    const largeTruth = convolution(conv, values.x, values.w);
    expectClose(
      large.y.map((v) => v / 1e36),
      largeTruth.map((v) => v / 1e36),
    );
    expect(large.y.every(Number.isFinite)).toBe(true);
    // Well inside their images: pixels (5, 4) and (8, 1) of x, (5, 4) of dy.
    values.x[20 * (5 * 9 + 4) + 3] = NaN;
    values.x[20 * (8 * 9 + 1) + 7] = Infinity;
    values.dy[36 * (5 * 9 + 4) + 5] = -Infinity;
    const { y, dx, dw } = compute(conv, shapes, values);
    const truth = convolution(conv, values.x, values.w);
    const gradients = convolutionGradients(conv, values.x, values.w, values.dy);
    const kind = (v: number): string => (Number.isFinite(v) ? 'finite' : String(v));
    expect(y.map(kind)).toEqual(Array.from(truth, kind));
    expect(dx.map(kind)).toEqual(Array.from(gradients.input, kind));
    expect(dw.map(kind)).toEqual(Array.from(gradients.filter, kind));
    expect(y.filter(Number.isNaN).length).toBe(9 * conv.outChannels);
  });

  it('gives the same bits again', () => {
    const conv = cases['many channels']!;
    const shapes = shapesOf(conv);
    expect(compute(conv, shapes, valuesOf(shapes))).toEqual(compute(conv, shapes, valuesOf(shapes)));
  });
});

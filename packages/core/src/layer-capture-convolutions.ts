/** Convolutions with a variable as kernel, and transposed ones. */
import * as tf from '@tensorflow/tfjs-core';
import type { ConvolutionGeometry, ConvolutionLayer } from './layer-capture-kinds.js';
import { biasOf, isLinear, plainView, readBiasAlone } from './layer-capture-reading.js';
import type { LayersFound, Reader, Reading } from './layer-capture-reading.js';
import type { KernelCall, KernelTrace } from './layer-capture-trace.js';

/** `kind` is what the kernel computes. */
export function readConvolution(kind: 'convolution' | 'depthwise'): Reader {
  return (call, trace, table) => {
    const { x, filter, bias } = call.inputs;
    const { strides, pad, dilations, dataFormat, dimRoundingMode, activation } = attributesOf(call);
    const view = plainView(trace.variable(filter));
    if (x === undefined || filter === undefined || trace.variable(x) || !isLinear(activation))
      return undefined;
    if (view === undefined) return readBiasAlone(call, trace);
    if (view.transposed || (dataFormat ?? 'NHWC') !== 'NHWC') return undefined;
    const info = tf.backend_util.computeConv2DInfo(
      x.shape as Shape4D,
      filter.shape as Shape4D,
      strides,
      dilations ?? 1,
      pad,
      dimRoundingMode,
      kind === 'depthwise',
    );
    const layer: ConvolutionLayer = {
      kind,
      kernel: view.of.name,
      ...biasOf(trace.variable(bias), info.outChannels),
      geometry: geometryOf(info),
    };
    const kept = table.keep(x);
    return {
      layers: [{ layer, inputs: () => tf.clone(kept) }],
      covered: layer.bias === undefined ? [layer.kernel] : [layer.kernel, layer.bias],
    };
  };
}

/** y [H, W, out] whose convolution with the same kernel [kh, kw, out, in] has the size of x [h, w, in]. */
export function readTransposedConvolution(
  call: KernelCall,
  trace: KernelTrace,
  table: LayersFound,
): Reading | undefined {
  const { dy: x, filter } = call.inputs;
  const { strides, pad, dataFormat, dimRoundingMode } = attributesOf(call);
  const view = plainView(trace.variable(filter));
  if (!x || !filter || !view || view.transposed || trace.variable(x)) return undefined;
  if ((dataFormat ?? 'NHWC') !== 'NHWC') return undefined;
  const info = tf.backend_util.computeConv2DInfo(
    call.output.shape as Shape4D,
    filter.shape as Shape4D,
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  const kernel = view.of.name;
  const kept = table.keep(x);
  return {
    layers: [
      {
        layer: { kind: 'transposed-convolution', kernel, geometry: geometryOf(info) },
        inputs: () => tf.clone(kept),
      },
    ],
    covered: [kernel],
  };
}

type Shape4D = [number, number, number, number];

interface ConvolutionAttributes {
  readonly strides: number | [number, number];
  readonly pad: 'same' | 'valid' | number;
  readonly dilations?: number | [number, number];
  readonly dataFormat?: string;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly activation?: string;
}

function attributesOf({ attributes }: KernelCall): ConvolutionAttributes {
  return attributes as unknown as ConvolutionAttributes;
}

function geometryOf(info: ReturnType<typeof tf.backend_util.computeConv2DInfo>): ConvolutionGeometry {
  const { top, bottom, left, right } = info.padInfo;
  return {
    kernelSize: [info.filterHeight, info.filterWidth],
    strides: [info.strideHeight, info.strideWidth],
    dilations: [info.dilationHeight, info.dilationWidth],
    padding: [
      [top, bottom],
      [left, right],
    ],
    outputSize: [info.outHeight, info.outWidth],
  };
}

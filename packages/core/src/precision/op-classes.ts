/** What a 16-bit program does with each of TensorFlow.js's kernels, by name; a kernel in none of these classes rounds its result. */

/** Products that tensor cores take: operands in 16 bits, sums in float32, the result in 16 bits again. */
export const CONTRACTIONS: ReadonlySet<string> = new Set([
  'BatchMatMul',
  '_FusedMatMul',
  'Conv2D',
  'FusedConv2D',
  'Conv2DBackpropInput',
  'Conv3D',
  'Conv3DBackpropInputV2',
  'DepthwiseConv2dNative',
  'FusedDepthwiseConv2D',
  'Einsum',
]);

/** Sums and products over many elements give a float32 accumulator, which is rounded where it meets a 16-bit tensor. */
export const ACCUMULATIONS: ReadonlySet<string> = new Set([
  'Cumprod',
  'Cumsum',
  'Mean',
  'Prod',
  'Sum',
  'UnsortedSegmentSum',
]);

/** Every element of the result is one of the operands', or its negative, 0, 1 or 6: nothing is left to round. */
export const SELECTIONS: ReadonlySet<string> = new Set([
  'Abs',
  'BatchToSpaceND',
  'BroadcastTo',
  'Cast',
  'Concat',
  'DepthToSpace',
  'ExpandDims',
  'GatherNd',
  'GatherV2',
  'Identity',
  'Max',
  'MaxPool',
  'MaxPool3D',
  'Maximum',
  'Min',
  'Minimum',
  'MirrorPad',
  'Neg',
  'OnesLike',
  'Pack',
  'Relu',
  'Relu6',
  'Reshape',
  'ResizeNearestNeighbor',
  'Reverse',
  'Select',
  'Sign',
  'Slice',
  'SpaceToBatchND',
  'SplitV',
  'Step',
  'StridedSlice',
  'Tile',
  'Transpose',
  'Unpack',
  'ZerosLike',
]);

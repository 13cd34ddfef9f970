/** What the windows of a convolution read of an image, along one axis, and the arguments that describe it to our module. */
import type { Axis, Geometry } from '../../geometry.js';

/** `extent` positions from `start`, which may be negative or end behind the image; what is outside counts as 0. */
export interface Cover {
  readonly input: number;
  readonly start: number;
  readonly extent: number;
}

/** What all windows of a convolution read. */
export function coverOf({ input, output, window, stride, dilation, pad }: Axis): Cover {
  return { input, start: -pad, extent: (output - 1) * stride + (window - 1) * dilation + 1 };
}

/** Bytes of an image with this cover, 0 where the image itself serves. */
export function coverBytes(channels: number, rows: Cover, columns: Cover): number {
  const inside = [rows, columns].every(({ input, start, extent }) => start >= 0 && start + extent <= input);
  return inside ? 0 : 4 * channels * rows.extent * columns.extent;
}

/** How the functions of our module that read windows of an image are told which: the image, what is covered, and the windows. */
export type WindowArguments = readonly [
  ...image: [rows: number, columns: number, channels: number],
  ...cover: [startRow: number, startColumn: number, rows: number, columns: number],
  ...windows: [
    down: number,
    right: number,
    rows: number,
    columns: number,
    dilateRows: number,
    dilateColumns: number,
  ],
];

export interface Windows {
  readonly channels: number;
  readonly rows: Cover;
  readonly columns: Cover;
  readonly strides: readonly [number, number];
  readonly window: readonly [number, number];
  readonly dilations: readonly [number, number];
}

export function windowArguments(windows: Windows): WindowArguments {
  const { channels, rows, columns, strides, window, dilations } = windows;
  return [
    rows.input,
    columns.input,
    channels,
    rows.start,
    columns.start,
    rows.extent,
    columns.extent,
    ...strides,
    ...window,
    ...dilations,
  ];
}

/** The windows of a whole convolution. */
export function windowsOf({ inChannels, height, width }: Geometry): Windows {
  return {
    channels: inChannels,
    rows: coverOf(height),
    columns: coverOf(width),
    strides: [height.stride, width.stride],
    window: [height.window, width.window],
    dilations: [height.dilation, width.dilation],
  };
}

/** Bytes of a tile, which every convolution needs as working space. */
export const TILE_BYTES = 128;
/** Columns of a packed panel. */
export const PANEL = 16;
/** Multiplications worth waking a thread for: about 20 µs. */
export const GRAIN = 500_000;

/** Working space is laid out in whole cache lines, so that threads do not share one. */
export function wholeLines(bytes: number): number {
  return 64 * Math.ceil(bytes / 64);
}

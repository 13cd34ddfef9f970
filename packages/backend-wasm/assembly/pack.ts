/**
 * Packing: an operand of a product copied so that a micro-kernel reads it straight through. B becomes panels of 16 columns,
 * `[inner][16]`, missing columns zero; a transposed A becomes an untransposed one.
 */
import { PANEL } from './tile';

/** Bytes of B packed. */
export function packedBytes(inner: usize, columns: usize): usize {
  return inner * ((columns + PANEL - 1) & ~(PANEL - 1)) * 4;
}

/** B[inner, columns], rows `stride` bytes apart, into panels `panelBytes` apart. */
export function packB(
  b: usize,
  stride: usize,
  inner: usize,
  columns: usize,
  panels: usize,
  panelBytes: usize,
): void {
  for (let j: usize = 0; j < columns; j += PANEL) {
    const panel = panels + (j / PANEL) * panelBytes;
    if (j + PANEL > columns) {
      packRim(b + j * 4, stride, 4, inner, columns - j, panel);
      return;
    }
    let from = b + j * 4;
    const end = panel + inner * 64;
    for (let to = panel; to < end; to += 64) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
      v128.store(to, v128.load(from, 32), 32);
      v128.store(to, v128.load(from, 48), 48);
      from += stride;
    }
  }
}

/** The same for B given transposed: `b` is [columns, inner], rows `stride` bytes apart. */
export function packTransposedB(
  b: usize,
  stride: usize,
  inner: usize,
  columns: usize,
  panels: usize,
  panelBytes: usize,
): void {
  for (let j: usize = 0; j < columns; j += PANEL) {
    const panel = panels + (j / PANEL) * panelBytes;
    const from = b + j * stride;
    if (j + PANEL > columns) packRim(from, 4, stride, inner, columns - j, panel);
    else transpose(from, stride, PANEL, inner, panel, 64);
  }
}

/** Fewer than 16 columns, completed by zeros. */
function packRim(
  b: usize,
  innerBytes: usize,
  columnBytes: usize,
  inner: usize,
  columns: usize,
  panel: usize,
): void {
  for (let k: usize = 0; k < inner; k++) {
    const from = b + k * innerBytes;
    let j: usize = 0;
    for (; j < columns; j++) store<f32>(panel + j * 4, load<f32>(from + j * columnBytes));
    for (; j < PANEL; j++) store<f32>(panel + j * 4, 0);
    panel += 64;
  }
}

/** [rows, columns], rows `fromBytes` apart, to its transpose with rows `toBytes` apart. */
export function transpose(
  from: usize,
  fromBytes: usize,
  rows: usize,
  columns: usize,
  to: usize,
  toBytes: usize,
): void {
  const wholeRows = rows & ~3;
  const wholeColumns = columns & ~3;
  for (let i: usize = 0; i < wholeRows; i += 4) {
    const source = from + i * fromBytes;
    const target = to + i * 4;
    for (let j: usize = 0; j < wholeColumns; j += 4) {
      transpose4(source + j * 4, fromBytes, target + j * toBytes, toBytes);
    }
  }
  for (let i: usize = 0; i < rows; i++) {
    for (let j = i < wholeRows ? wholeColumns : 0; j < columns; j++) {
      store<f32>(to + j * toBytes + i * 4, load<f32>(from + i * fromBytes + j * 4));
    }
  }
}

function transpose4(from: usize, fromBytes: usize, to: usize, toBytes: usize): void {
  const r0 = v128.load(from);
  const r1 = v128.load(from + fromBytes);
  const r2 = v128.load(from + 2 * fromBytes);
  const r3 = v128.load(from + 3 * fromBytes);
  const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
  v128.store(to + toBytes, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
  v128.store(to + 2 * toBytes, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
  v128.store(to + 3 * toBytes, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
}

/** What a fused kernel does to a product: y ← activation(y + bias), to rows that were just written, while they are in a near cache. */
import { clip } from './clip';
import { elu, leakyRelu, prelu, sigmoid } from './unary';

/** Elements that are worked on at once. */
const CHUNK: usize = 2048;

/**
 * Finishes `rows` rows of `columns` elements, `rowBytes` apart, which are those from `column` on of a wider matrix. `epilogue` is 0 for
 * nothing to do, or the address of four words: the address of the biases, one for each column, or 0; the activation, as below; its
 * slope, a float32; and the address of its slopes, one for each column.
 */
export function finish(
  epilogue: usize,
  y: usize,
  rowBytes: usize,
  rows: usize,
  column: usize,
  columns: usize,
): void {
  if (epilogue == 0) return;
  const bias = load<usize>(epilogue);
  const activation = load<i32>(epilogue, 4);
  const slopes = load<usize>(epilogue, 12);
  const bytes = columns * 4;
  // Rows without gaps are one long row to an activation.
  const atOnce = rowBytes == bytes ? max(1, CHUNK / columns) : 1;
  for (let row: usize = 0; row < rows; row += atOnce) {
    const count = min(atOnce, rows - row);
    const start = y + row * rowBytes;
    if (bias != 0) {
      for (let i: usize = 0; i < count; i++) addRow(start + i * rowBytes, bias + column * 4, bytes);
    }
    const size = <i32>(count * columns);
    if (activation == 1) clip(start, start, size, 0, Infinity);
    else if (activation == 2) clip(start, start, size, 0, 6);
    else if (activation == 3) leakyRelu(start, start, size, load<f32>(epilogue, 8));
    else if (activation == 4) {
      for (let i: usize = 0; i < count; i++) prelu(start + i * rowBytes, slopes + column * 4, <i32>columns);
    } else if (activation == 5) sigmoid(start, start, size);
    else if (activation == 6) elu(start, start, size);
  }
}

function addRow(y: usize, bias: usize, bytes: usize): void {
  let j: usize = 0;
  for (; j + 16 <= bytes; j += 16) v128.store(y + j, f32x4.add(v128.load(y + j), v128.load(bias + j)));
  for (; j < bytes; j += 4) store<f32>(y + j, load<f32>(y + j) + load<f32>(bias + j));
}

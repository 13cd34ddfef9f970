/** The gradient of a depthwise convolution with respect to its filter, four outputs at a time; reads images in place. */
import { multiplyAdd } from './multiply-add';

/** Positions of a band of rows, whose pixels lie in the first-level cache while every element of the filter reads them. */
const POSITIONS: i32 = 256;

/**
 * dw[u, v, o] = Σ over n, i, j of x[n, i·down + u·downDilation + top, j·right + v·rightDilation + left, o / multiplier] · dy[n, i, j, o]
 * for first ≤ o < last, where x counts as 0 outside [height, width]; summed band by band.
 */
export function depthwiseFilterGradient(
  images: usize,
  x: usize,
  height: i32,
  width: i32,
  channels: usize,
  top: i32,
  left: i32,
  down: i32,
  right: i32,
  windowHeight: i32,
  windowWidth: i32,
  downDilation: i32,
  rightDilation: i32,
  multiplier: usize,
  outHeight: i32,
  outWidth: i32,
  dy: usize,
  dw: usize,
  first: usize,
  last: usize,
): void {
  const pixelBytes = channels * 4;
  const outBytes = pixelBytes * multiplier;
  const bandRows = max(1, POSITIONS / outWidth);
  const taps = <usize>(windowHeight * windowWidth);
  for (let tap: usize = 0; tap < taps; tap++) {
    memory.fill(dw + tap * outBytes + first * 4, 0, (last - first) * 4);
  }
  for (let n: usize = 0; n < images; n++) {
    const image = x + n * <usize>(height * width) * pixelBytes;
    const upstream = dy + n * <usize>(outHeight * outWidth) * outBytes;
    let o = first;
    while (o < last) {
      const outputs: usize = multiplier == 1 && o + 16 <= last ? 16 : o + 4 <= last ? 4 : 1;
      const channel = o / multiplier;
      // From the channel of the first of four outputs to those of the others.
      const second = ((o + 1) / multiplier - channel) * 4;
      const third = ((o + 2) / multiplier - channel) * 4;
      const fourth = ((o + 3) / multiplier - channel) * 4;
      for (let band = 0; band < outHeight; band += bandRows) {
        const bandEnd = min(outHeight, band + bandRows);
        for (let u = 0; u < windowHeight; u++) {
          const row = u * downDilation + top;
          const i = max(band, firstInside(row, down));
          const rows = min(bandEnd, endInside(row, down, height, outHeight)) - i;
          for (let v = 0; v < windowWidth; v++) {
            const column = v * rightDilation + left;
            const j = firstInside(column, right);
            const columns = endInside(column, right, width, outWidth) - j;
            const p =
              image + <usize>((row + i * down) * width + column + j * right) * pixelBytes + channel * 4;
            const pRow = <usize>(down * width) * pixelBytes;
            const pColumn = <usize>right * pixelBytes;
            const q = upstream + <usize>(i * outWidth + j) * outBytes + o * 4;
            const qRow = <usize>outWidth * outBytes;
            const to = dw + <usize>(u * windowWidth + v) * outBytes + o * 4;
            if (outputs == 16) sumSixteen(p, pRow, pColumn, q, qRow, outBytes, rows, columns, to);
            else if (outputs == 1) sumOne(p, pRow, pColumn, q, qRow, outBytes, rows, columns, to);
            else {
              sumFour(p, second, third, fourth, pRow, pColumn, q, qRow, outBytes, rows, columns, to);
            }
          }
        }
      }
      o += outputs;
    }
  }
}

/** The first output position that meets the input at `start` + position·stride, if any does. */
function firstInside(start: i32, stride: i32): i32 {
  return start < 0 ? (stride - 1 - start) / stride : 0;
}

/** The end of those that do, of `outputs`. */
function endInside(start: i32, stride: i32, inputs: i32, outputs: i32): i32 {
  return start >= inputs ? 0 : min(outputs, (inputs - 1 - start) / stride + 1);
}

/** Adds Σ p·q over `rows`×`columns` positions to 16 outputs, each with an input of its own. */
function sumSixteen(
  p: usize,
  pRow: usize,
  pColumn: usize,
  q: usize,
  qRow: usize,
  qColumn: usize,
  rows: i32,
  columns: i32,
  to: usize,
): void {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  for (let i = 0; i < rows; i++) {
    let a = p + <usize>i * pRow;
    let b = q + <usize>i * qRow;
    for (let j = 0; j < columns; j++) {
      s0 = multiplyAdd(v128.load(a), v128.load(b), s0);
      s1 = multiplyAdd(v128.load(a, 16), v128.load(b, 16), s1);
      s2 = multiplyAdd(v128.load(a, 32), v128.load(b, 32), s2);
      s3 = multiplyAdd(v128.load(a, 48), v128.load(b, 48), s3);
      a += pColumn;
      b += qColumn;
    }
  }
  v128.store(to, f32x4.add(v128.load(to), s0));
  v128.store(to, f32x4.add(v128.load(to, 16), s1), 16);
  v128.store(to, f32x4.add(v128.load(to, 32), s2), 32);
  v128.store(to, f32x4.add(v128.load(to, 48), s3), 48);
}

/** The same for 4 outputs; the last three have their inputs so many bytes after the first one's. */
function sumFour(
  p: usize,
  second: usize,
  third: usize,
  fourth: usize,
  pRow: usize,
  pColumn: usize,
  q: usize,
  qRow: usize,
  qColumn: usize,
  rows: i32,
  columns: i32,
  to: usize,
): void {
  const neighbours = second == 4 && third == 8 && fourth == 12;
  let sum = f32x4.splat(0);
  for (let i = 0; i < rows; i++) {
    let a = p + <usize>i * pRow;
    let b = q + <usize>i * qRow;
    for (let j = 0; j < columns; j++) {
      let inputs: v128;
      if (neighbours) inputs = v128.load(a);
      else {
        inputs = v128.load32_zero(a);
        inputs = v128.load_lane<f32>(a + second, inputs, 1);
        inputs = v128.load_lane<f32>(a + third, inputs, 2);
        inputs = v128.load_lane<f32>(a + fourth, inputs, 3);
      }
      sum = multiplyAdd(inputs, v128.load(b), sum);
      a += pColumn;
      b += qColumn;
    }
  }
  v128.store(to, f32x4.add(v128.load(to), sum));
}

/** The same for one output. */
function sumOne(
  p: usize,
  pRow: usize,
  pColumn: usize,
  q: usize,
  qRow: usize,
  qColumn: usize,
  rows: i32,
  columns: i32,
  to: usize,
): void {
  let sum = f32x4.splat(0);
  for (let i = 0; i < rows; i++) {
    let a = p + <usize>i * pRow;
    let b = q + <usize>i * qRow;
    for (let j = 0; j < columns; j++) {
      sum = multiplyAdd(v128.load32_splat(a), v128.load32_splat(b), sum);
      a += pColumn;
      b += qColumn;
    }
  }
  store<f32>(to, load<f32>(to) + f32x4.extract_lane(sum, 0));
}

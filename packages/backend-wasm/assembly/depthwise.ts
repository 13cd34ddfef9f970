/** Depthwise convolutions with one output for each channel: every channel is convolved with a filter of its own, four at a time. */
import { multiplyAdd } from './multiply-add';
import { coverImage } from './window';

/**
 * y[n, i, j, c] = Σ over u, v of x[n, i·down + u·downDilation + top, j·right + v·rightDilation + left, c] · filter[u, v, c]. The
 * parameters are those of `convolve` in `convolution.ts`; the filter is not packed. `work` has room for a covered image.
 */
export function depthwise(
  images: usize,
  x: usize,
  height: i32,
  width: i32,
  channels: usize,
  top: i32,
  left: i32,
  coverHeight: i32,
  coverWidth: i32,
  down: usize,
  right: usize,
  windowHeight: usize,
  windowWidth: usize,
  downDilation: usize,
  rightDilation: usize,
  filter: usize,
  outHeight: usize,
  outWidth: usize,
  y: usize,
  yImageBytes: usize,
  yDownBytes: usize,
  yRightBytes: usize,
  work: usize,
): void {
  const pixelBytes = channels * 4;
  const inside = top >= 0 && left >= 0 && top + coverHeight <= height && left + coverWidth <= width;
  const rowBytes = <usize>(inside ? width : coverWidth) * pixelBytes;
  const nextRow = downDilation * rowBytes - windowWidth * rightDilation * pixelBytes;
  for (let n: usize = 0; n < images; n++) {
    const from = x + n * <usize>(height * width) * pixelBytes;
    const image = coverImage(
      from,
      height,
      width,
      pixelBytes,
      top,
      left,
      inside,
      work,
      coverHeight,
      coverWidth,
    );
    for (let i: usize = 0; i < outHeight; i++) {
      for (let j: usize = 0; j < outWidth; j++) {
        const window = image + i * down * rowBytes + j * right * pixelBytes;
        const to = y + n * yImageBytes + i * yDownBytes + j * yRightBytes;
        let c: usize = 0;
        for (; c + 64 <= pixelBytes; c += 64) {
          let s0 = f32x4.splat(0);
          let s1 = f32x4.splat(0);
          let s2 = f32x4.splat(0);
          let s3 = f32x4.splat(0);
          let p = window + c;
          let w = filter + c;
          for (let u: usize = 0; u < windowHeight; u++) {
            for (let v: usize = 0; v < windowWidth; v++) {
              s0 = multiplyAdd(v128.load(p), v128.load(w), s0);
              s1 = multiplyAdd(v128.load(p, 16), v128.load(w, 16), s1);
              s2 = multiplyAdd(v128.load(p, 32), v128.load(w, 32), s2);
              s3 = multiplyAdd(v128.load(p, 48), v128.load(w, 48), s3);
              p += rightDilation * pixelBytes;
              w += pixelBytes;
            }
            p += nextRow;
          }
          v128.store(to + c, s0);
          v128.store(to + c, s1, 16);
          v128.store(to + c, s2, 32);
          v128.store(to + c, s3, 48);
        }
        for (; c + 16 <= pixelBytes; c += 16) {
          let sum = f32x4.splat(0);
          let p = window + c;
          let w = filter + c;
          for (let u: usize = 0; u < windowHeight; u++) {
            for (let v: usize = 0; v < windowWidth; v++) {
              sum = multiplyAdd(v128.load(p), v128.load(w), sum);
              p += rightDilation * pixelBytes;
              w += pixelBytes;
            }
            p += nextRow;
          }
          v128.store(to + c, sum);
        }
        for (; c < pixelBytes; c += 4) {
          let sum = f32x4.splat(0);
          let p = window + c;
          let w = filter + c;
          for (let u: usize = 0; u < windowHeight; u++) {
            for (let v: usize = 0; v < windowWidth; v++) {
              sum = multiplyAdd(v128.load32_splat(p), v128.load32_splat(w), sum);
              p += rightDilation * pixelBytes;
              w += pixelBytes;
            }
            p += nextRow;
          }
          v128.store_lane<f32>(to + c, sum, 0);
        }
      }
    }
  }
}

/**
 * dw[u, v, c] = Σ over n, i, j of x[n, i·down + u·downDilation + top, j·right + v·rightDilation + left, c] · dy[n, i, j, c], summed
 * image by image. At least one image. `work` has room for a covered image.
 */
export function depthwiseFilterGradient(
  images: usize,
  x: usize,
  height: i32,
  width: i32,
  channels: usize,
  top: i32,
  left: i32,
  coverHeight: i32,
  coverWidth: i32,
  down: usize,
  right: usize,
  windowHeight: usize,
  windowWidth: usize,
  downDilation: usize,
  rightDilation: usize,
  outHeight: usize,
  outWidth: usize,
  dy: usize,
  dw: usize,
  work: usize,
): void {
  const pixelBytes = channels * 4;
  const inside = top >= 0 && left >= 0 && top + coverHeight <= height && left + coverWidth <= width;
  const rowBytes = <usize>(inside ? width : coverWidth) * pixelBytes;
  const nextRow = down * rowBytes - outWidth * right * pixelBytes;
  memory.fill(dw, 0, windowHeight * windowWidth * pixelBytes);
  for (let n: usize = 0; n < images; n++) {
    const from = x + n * <usize>(height * width) * pixelBytes;
    const image = coverImage(
      from,
      height,
      width,
      pixelBytes,
      top,
      left,
      inside,
      work,
      coverHeight,
      coverWidth,
    );
    const upstream = dy + n * outHeight * outWidth * pixelBytes;
    for (let u: usize = 0; u < windowHeight; u++) {
      for (let v: usize = 0; v < windowWidth; v++) {
        const tap = image + u * downDilation * rowBytes + v * rightDilation * pixelBytes;
        const to = dw + (u * windowWidth + v) * pixelBytes;
        let c: usize = 0;
        for (; c + 32 <= pixelBytes; c += 32) {
          let s0 = f32x4.splat(0);
          let s1 = f32x4.splat(0);
          let p = tap + c;
          let q = upstream + c;
          for (let i: usize = 0; i < outHeight; i++) {
            for (let j: usize = 0; j < outWidth; j++) {
              s0 = multiplyAdd(v128.load(p), v128.load(q), s0);
              s1 = multiplyAdd(v128.load(p, 16), v128.load(q, 16), s1);
              p += right * pixelBytes;
              q += pixelBytes;
            }
            p += nextRow;
          }
          v128.store(to + c, f32x4.add(v128.load(to + c), s0));
          v128.store(to + c, f32x4.add(v128.load(to + c, 16), s1), 16);
        }
        for (; c < pixelBytes; c += 4) {
          let sum = f32x4.splat(0);
          let p = tap + c;
          let q = upstream + c;
          for (let i: usize = 0; i < outHeight; i++) {
            for (let j: usize = 0; j < outWidth; j++) {
              sum = multiplyAdd(v128.load32_splat(p), v128.load32_splat(q), sum);
              p += right * pixelBytes;
              q += pixelBytes;
            }
            p += nextRow;
          }
          store<f32>(to + c, load<f32>(to + c) + f32x4.extract_lane(sum, 0));
        }
      }
    }
  }
}

/** Depthwise convolutions: every channel is convolved with filters of its own, four outputs at a time. */
import { coverChannels } from './channels';
import { multiplyAdd } from './multiply-add';
import { coverImage } from './window';

/**
 * y[n, i, j, o] = Σ over u, v, q of z[n, i·down + u·downDilation + top, j·right + v·rightDilation + left, q, o] · filter[u, v, q, o],
 * where z holds channel o / repeat of x once for each of its outputs (`repeat`, of a convolution with so many for each channel), or
 * channel o·depth + q (`depth`, of the gradient of such a convolution); one of the two is 1. The parameters are those of `convolve`
 * in `convolution.ts`; the filter is not packed. `work` has room for a covered image and 12 bytes.
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
  repeat: usize,
  depth: usize,
  filter: usize,
  outHeight: usize,
  outWidth: usize,
  y: usize,
  yImageBytes: usize,
  yDownBytes: usize,
  yRightBytes: usize,
  work: usize,
): void {
  const inside = top >= 0 && left >= 0 && top + coverHeight <= height && left + coverWidth <= width;
  const imageBytes = <usize>(height * width) * channels * 4;
  const pixelBytes = channels * repeat * 4;
  const outBytes = pixelBytes / depth;
  const oneEach = repeat == 1 && depth == 1;
  const rowBytes = <usize>(inside && oneEach ? width : coverWidth) * pixelBytes;
  // With neighbouring columns a row of the window is one run of the image; else every pixel is.
  const runs: usize = rightDilation == 1 ? 1 : windowWidth;
  const length: usize = rightDilation == 1 ? windowWidth * depth : depth;
  const nextRun = (rightDilation - 1) * pixelBytes;
  const nextRow = downDilation * rowBytes - windowWidth * rightDilation * pixelBytes;
  for (let n: usize = 0; n < images; n++) {
    const from = x + n * imageBytes;
    let image = work;
    if (oneEach) {
      image = coverImage(from, height, width, pixelBytes, top, left, inside, work, coverHeight, coverWidth);
    } else {
      coverChannels(from, height, width, channels, repeat, depth, top, left, work, coverHeight, coverWidth);
    }
    for (let i: usize = 0; i < outHeight; i++) {
      for (let j: usize = 0; j < outWidth; j++) {
        const window = image + i * down * rowBytes + j * right * pixelBytes;
        const to = y + n * yImageBytes + i * yDownBytes + j * yRightBytes;
        let c: usize = 0;
        for (; c + 64 <= outBytes; c += 64) {
          let s0 = f32x4.splat(0);
          let s1 = f32x4.splat(0);
          let s2 = f32x4.splat(0);
          let s3 = f32x4.splat(0);
          let p = window + c;
          let w = filter + c;
          for (let u: usize = 0; u < windowHeight; u++) {
            for (let run: usize = 0; run < runs; run++) {
              for (let t: usize = 0; t < length; t++) {
                s0 = multiplyAdd(v128.load(p), v128.load(w), s0);
                s1 = multiplyAdd(v128.load(p, 16), v128.load(w, 16), s1);
                s2 = multiplyAdd(v128.load(p, 32), v128.load(w, 32), s2);
                s3 = multiplyAdd(v128.load(p, 48), v128.load(w, 48), s3);
                p += outBytes;
                w += outBytes;
              }
              p += nextRun;
            }
            p += nextRow;
          }
          v128.store(to + c, s0);
          v128.store(to + c, s1, 16);
          v128.store(to + c, s2, 32);
          v128.store(to + c, s3, 48);
        }
        for (; c + 16 <= outBytes; c += 16) {
          let sum = f32x4.splat(0);
          let p = window + c;
          let w = filter + c;
          for (let u: usize = 0; u < windowHeight; u++) {
            for (let run: usize = 0; run < runs; run++) {
              for (let t: usize = 0; t < length; t++) {
                sum = multiplyAdd(v128.load(p), v128.load(w), sum);
                p += outBytes;
                w += outBytes;
              }
              p += nextRun;
            }
            p += nextRow;
          }
          v128.store(to + c, sum);
        }
        for (; c < outBytes; c += 4) {
          let sum = f32x4.splat(0);
          let p = window + c;
          let w = filter + c;
          for (let u: usize = 0; u < windowHeight; u++) {
            for (let run: usize = 0; run < runs; run++) {
              for (let t: usize = 0; t < length; t++) {
                sum = multiplyAdd(v128.load32_splat(p), v128.load32_splat(w), sum);
                p += outBytes;
                w += outBytes;
              }
              p += nextRun;
            }
            p += nextRow;
          }
          v128.store_lane<f32>(to + c, sum, 0);
        }
      }
    }
  }
}

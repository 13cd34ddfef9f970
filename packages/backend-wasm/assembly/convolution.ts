/**
 * Convolutions as matrix products that read the images in place (implicit GEMM): the pixels of a window's row lie side by side, so
 * a row of the unfolded image is a few runs of the image, and nothing is unfolded. An image whose windows reach over its border is
 * first copied with that border (`window.ts`).
 */
import { finish } from './epilogue';
import { packB } from './pack';
import { PANEL, TILE_BYTES, multiplyPanel } from './tile';
import { coverImage } from './window';

/** Positions of a block of the filter gradient: what is read again then lies in the first-level cache. */
const POSITIONS: usize = 256;

/**
 * y[n, i, j, o] = Σ over u, v, c of x[n, i·down + u·downDilation + top, j·right + v·rightDilation + left, c] · filter[u, v, c, o].
 * The images are [height, width, channels]; `coverHeight`×`coverWidth` pixels from (top, left) on are what the windows read, and
 * count as 0 outside the image. The filter is packed in panels, [u, v, c]×[16]. y[n, i, j] starts at
 * y + n·yImageBytes + i·yDownBytes + j·yRightBytes. `epilogue` says what to do to y in the end (`epilogue.ts`). `work` has `TILE_BYTES` (128) bytes and room for a covered image;
 * `fence` is false, see `multiply.ts`.
 */
export function convolve(
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
  panels: usize,
  outHeight: usize,
  outWidth: usize,
  outChannels: usize,
  y: usize,
  yImageBytes: usize,
  yDownBytes: usize,
  yRightBytes: usize,
  epilogue: usize,
  work: usize,
  fence: bool,
): void {
  const pixelBytes = channels * 4;
  const panelBytes = windowHeight * windowWidth * channels * PANEL * 4;
  const inside = top >= 0 && left >= 0 && top + coverHeight <= height && left + coverWidth <= width;
  const rowBytes = <usize>(inside ? width : coverWidth) * pixelBytes;
  // With neighbouring columns, the rows of the window are runs of the image; else every pixel is a run of its own.
  const taps: usize = rightDilation == 1 ? 1 : windowHeight * windowWidth;
  const segments: usize = rightDilation == 1 ? windowHeight : 1;
  const length: usize = rightDilation == 1 ? windowWidth * channels : channels;
  for (let n: usize = 0; n < images; n++) {
    const image = coverImage(
      x + n * <usize>(height * width) * pixelBytes,
      height,
      width,
      pixelBytes,
      top,
      left,
      inside,
      work + TILE_BYTES,
      coverHeight,
      coverWidth,
    );
    for (let o: usize = 0; o < outChannels; o += PANEL) {
      const panel = panels + (o / PANEL) * panelBytes;
      for (let tap: usize = 0; tap < taps; tap++) {
        const u = tap / windowWidth;
        const v = tap % windowWidth;
        const start = image + u * downDilation * rowBytes + v * rightDilation * pixelBytes;
        for (let i: usize = 0; i < outHeight; i++) {
          multiplyPanel(
            outWidth,
            min(PANEL, outChannels - o),
            segments,
            length,
            downDilation * rowBytes,
            start + i * down * rowBytes,
            right * pixelBytes,
            4,
            panel + tap * channels * PANEL * 4,
            PANEL * 4,
            y + n * yImageBytes + i * yDownBytes + o * 4,
            yRightBytes,
            4,
            tap > 0,
            work,
            fence,
          );
        }
      }
    }
    for (let i: usize = 0; i < outHeight; i++) {
      finish(epilogue, y + n * yImageBytes + i * yDownBytes, yRightBytes, outWidth, 0, outChannels);
    }
  }
}

/**
 * dw[u, v, c, o] = Σ over n, i, j of x[n, i·down + u·downDilation + top, j·right + v·rightDilation + left, c] · dy[n, i, j, o], for the
 * first `outChannels` channels of dy and dw, whose pixels and rows are `outBytes` apart: with another start of both, for a range of
 * them. At least one image. `work` has `TILE_BYTES` bytes, room for a covered image, and outHeight·outWidth·64 bytes.
 */
export function filterGradient(
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
  outChannels: usize,
  outBytes: usize,
  dy: usize,
  dw: usize,
  work: usize,
  fence: bool,
): void {
  const pixelBytes = channels * 4;
  const inside = top >= 0 && left >= 0 && top + coverHeight <= height && left + coverWidth <= width;
  const rowBytes = <usize>(inside ? width : coverWidth) * pixelBytes;
  const cover = work + TILE_BYTES;
  const rim = cover + (inside ? 0 : <usize>(coverHeight * coverWidth) * pixelBytes);
  const positions = outHeight * outWidth;
  const whole = outChannels & ~(PANEL - 1);
  const taps: usize = rightDilation == 1 ? 1 : windowWidth;
  const length: usize = rightDilation == 1 ? windowWidth * channels : channels;
  const rowsAtOnce = max(1, POSITIONS / outWidth);
  for (let n: usize = 0; n < images; n++) {
    const image = coverImage(
      x + n * <usize>(height * width) * pixelBytes,
      height,
      width,
      pixelBytes,
      top,
      left,
      inside,
      cover,
      coverHeight,
      coverWidth,
    );
    const upstream = dy + n * positions * outBytes;
    if (whole < outChannels) {
      packB(upstream + whole * 4, outBytes, positions, outChannels - whole, rim, 0);
    }
    for (let i: usize = 0; i < outHeight; i += rowsAtOnce) {
      const first = i * outWidth;
      for (let o: usize = 0; o < outChannels; o += PANEL) {
        for (let u: usize = 0; u < windowHeight; u++) {
          for (let v: usize = 0; v < taps; v++) {
            multiplyPanel(
              length,
              min(PANEL, outChannels - o),
              min(rowsAtOnce, outHeight - i),
              outWidth,
              down * rowBytes,
              image + (i * down + u * downDilation) * rowBytes + v * rightDilation * pixelBytes,
              4,
              right * pixelBytes,
              o < whole ? upstream + first * outBytes + o * 4 : rim + first * 64,
              o < whole ? outBytes : 64,
              dw + (u * taps + v) * length * outBytes + o * 4,
              outBytes,
              4,
              n > 0 || i > 0,
              work,
              fence,
            );
          }
        }
      }
    }
  }
}

/**
 * Convolutions with 3×3 windows at stride 1 by Winograd's minimal filtering F(2×2, 3×3): tiles of the image are transformed, 16 products
 * of matrices `[tiles, channels]·[channels, outChannels]` follow, and their transform back is 2×2 pixels of the result for each tile.
 * Channels come in multiples of four. Rows of tiles are taken a few at a time, across images where these are small, so that what is
 * read again lies in the second-level cache. Rounding errors are relative to the largest of the 4×4 pixels, not to those in the window.
 */
import { finish } from './epilogue';
import { PANEL, TILE_BYTES, multiplyPanel } from './tile';
import { coverImage } from './window';
import { sumOfLanes } from './winograd-filter';
import { gradientTiles, outputTiles, transformTiles } from './winograd-transform';

/** Distance of planes beyond their contents: it keeps them from meeting in the same lines of a cache. */
const GAP: usize = 64;

/** Where the working space of a block of `rows` rows of tiles goes on, after a tile, a piece of an image and four rows of it. */
function planesAfter(work: usize, rows: usize, across: usize, pixelBytes: usize): usize {
  return work + TILE_BYTES + (rows * 2 + 6) * (across * 2 + 2) * pixelBytes;
}

/**
 * Transforms the tiles of the rows of tiles from `row` on, counted through all images, to 16 planes. Windows begin at pixel
 * (top, left); what they read outside the image counts as 0. There are `down`×`across` tiles in an image.
 */
function imageTiles(
  x: usize,
  height: i32,
  width: i32,
  pixelBytes: usize,
  top: i32,
  left: i32,
  down: usize,
  across: usize,
  row: usize,
  rows: usize,
  work: usize,
  planes: usize,
  planeBytes: usize,
): void {
  const coverWidth = <i32>(across * 2 + 2);
  const inside = top >= 0 && left >= 0 && top + <i32>(down * 2 + 2) <= height && left + coverWidth <= width;
  const rowBytes = <usize>(inside ? width : coverWidth) * pixelBytes;
  const cover = work + TILE_BYTES;
  let i = row % down;
  let image = x + (row / down) * <usize>(height * width) * pixelBytes;
  while (rows > 0) {
    const run = min(rows, down - i);
    const coverHeight = <i32>(run * 2 + 2);
    const firstRow = top + <i32>(i * 2);
    let from = coverImage(
      image,
      height,
      width,
      pixelBytes,
      firstRow,
      left,
      inside,
      cover,
      coverHeight,
      coverWidth,
    );
    const lines = cover + <usize>(coverHeight * coverWidth) * pixelBytes;
    for (let r: usize = 0; r < run; r++) {
      transformTiles(from, rowBytes, pixelBytes, across, lines, planes, planeBytes);
      from += 2 * rowBytes;
      planes += across * pixelBytes;
    }
    rows -= run;
    i = 0;
    image += <usize>(height * width) * pixelBytes;
  }
}

/**
 * y[n, i, j, o] = Σ over u, v, c of x[n, i + u + top, j + v + left, c] · filter[u, v, c, o], as `convolve` with a dense y; the filter comes
 * as 16 planes of `winogradFilter`, each in panels. `rowsAtOnce` rows of tiles make a block. `work` has room, one after the other, for
 * a tile, 2·rowsAtOnce + 6 rows of 2·⌈outWidth/2⌉ + 2 pixels, and 16 planes of rowsAtOnce rows of tiles of the image and of the result, and
 * 64 bytes for each plane. `epilogue` says what to do to y in the end. `verdict` becomes 0, or NaN where an element of y was not finite before: which one then means nothing. `fence` is
 * false; see `multiply.ts`.
 */
export function winogradConvolve(
  images: usize,
  x: usize,
  height: i32,
  width: i32,
  channels: usize,
  top: i32,
  left: i32,
  outHeight: usize,
  outWidth: usize,
  outChannels: usize,
  y: usize,
  rowsAtOnce: usize,
  panels: usize,
  epilogue: usize,
  verdict: usize,
  work: usize,
  fence: bool,
): void {
  const pixelBytes = channels * 4;
  const outPixelBytes = outChannels * 4;
  const outRowBytes = outWidth * outPixelBytes;
  const down = (outHeight + 1) / 2;
  const across = (outWidth + 1) / 2;
  const planes = planesAfter(work, rowsAtOnce, across, pixelBytes);
  const planeBytes = rowsAtOnce * across * pixelBytes + GAP;
  const products = planes + 16 * planeBytes;
  const productBytes = rowsAtOnce * across * outPixelBytes + GAP;
  const panelsBytes = ((outChannels + PANEL - 1) / PANEL) * PANEL * pixelBytes;
  let sum = f32x4.splat(0);
  for (let row: usize = 0; row < images * down; row += rowsAtOnce) {
    const rows = min(rowsAtOnce, images * down - row);
    imageTiles(x, height, width, pixelBytes, top, left, down, across, row, rows, work, planes, planeBytes);
    for (let plane: usize = 0; plane < 16; plane++) {
      for (let o: usize = 0; o < outChannels; o += PANEL) {
        multiplyPanel(
          rows * across,
          min(PANEL, outChannels - o),
          1,
          channels,
          0,
          planes + plane * planeBytes,
          pixelBytes,
          4,
          panels + plane * panelsBytes + o * pixelBytes,
          PANEL * 4,
          products + plane * productBytes + o * 4,
          outPixelBytes,
          4,
          false,
          work,
          fence,
        );
      }
    }
    for (let r: usize = 0; r < rows; r++) {
      const n = (row + r) / down;
      const i = ((row + r) % down) * 2;
      const to = y + (n * outHeight + i) * outRowBytes;
      const tiles = outputTiles(
        products + r * across * outPixelBytes,
        productBytes,
        across,
        to,
        outRowBytes,
        outPixelBytes,
        outWidth,
        i + 1 < outHeight,
      );
      sum = f32x4.add(sum, tiles);
      finish(epilogue, to, outPixelBytes, min(2, outHeight - i) * outWidth, 0, outChannels);
    }
  }
  store<f32>(verdict, sumOfLanes(sum));
}

/**
 * The gradient with respect to the filter of the same convolution, as 16 planes `[channels, outChannels]` from which
 * `winogradFilterGradient` makes it. At least one image. `work` as above, with planes of dy, in panels, in the place of those of the result.
 */
export function winogradFilterPlanes(
  images: usize,
  x: usize,
  height: i32,
  width: i32,
  channels: usize,
  top: i32,
  left: i32,
  outHeight: usize,
  outWidth: usize,
  outChannels: usize,
  dy: usize,
  rowsAtOnce: usize,
  sums: usize,
  work: usize,
  fence: bool,
): void {
  const pixelBytes = channels * 4;
  const outPixelBytes = outChannels * 4;
  const outRowBytes = outWidth * outPixelBytes;
  const down = (outHeight + 1) / 2;
  const across = (outWidth + 1) / 2;
  const planes = planesAfter(work, rowsAtOnce, across, pixelBytes);
  const planeBytes = rowsAtOnce * across * pixelBytes + GAP;
  const upstream = planes + 16 * planeBytes;
  const panelBytes = rowsAtOnce * across * PANEL * 4;
  const upstreamBytes = ((outChannels + PANEL - 1) / PANEL) * panelBytes + GAP;
  for (let row: usize = 0; row < images * down; row += rowsAtOnce) {
    const rows = min(rowsAtOnce, images * down - row);
    imageTiles(x, height, width, pixelBytes, top, left, down, across, row, rows, work, planes, planeBytes);
    for (let r: usize = 0; r < rows; r++) {
      const n = (row + r) / down;
      const i = ((row + r) % down) * 2;
      gradientTiles(
        dy + (n * outHeight + i) * outRowBytes,
        outRowBytes,
        outPixelBytes,
        across,
        outWidth,
        i + 1 < outHeight,
        upstream + r * across * PANEL * 4,
        panelBytes,
        upstreamBytes,
      );
    }
    for (let plane: usize = 0; plane < 16; plane++) {
      for (let o: usize = 0; o < outChannels; o += PANEL) {
        multiplyPanel(
          channels,
          min(PANEL, outChannels - o),
          1,
          rows * across,
          0,
          planes + plane * planeBytes,
          4,
          pixelBytes,
          upstream + plane * upstreamBytes + (o / PANEL) * panelBytes,
          PANEL * 4,
          sums + plane * channels * outPixelBytes + o * 4,
          outPixelBytes,
          4,
          row > 0,
          work,
          fence,
        );
      }
    }
  }
}

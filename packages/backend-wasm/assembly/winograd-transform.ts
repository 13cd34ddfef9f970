/**
 * The transforms of Winograd's minimal filtering on 4×4 tiles (Winograd, "Arithmetic complexity of computations", 1980; Lavin and
 * Gray, "Fast algorithms for convolutional neural networks", 2016), with the points 0, 1, −1 and ∞. Each is a map of lines applied
 * along both axes. Vectors run over channels, a multiple of four. A transformed tile is one element of each of 16 planes,
 * `planeBytes` apart: line after line.
 */
import { multiplyAdd } from './multiply-add';

/** (d0, d1, d2, d3) ↦ (d0 − d2, d1 + d2, d2 − d1, d1 − d3), stored `step` bytes apart. */
function transformLine(d0: v128, d1: v128, d2: v128, d3: v128, to: usize, step: usize): void {
  v128.store(to, f32x4.sub(d0, d2));
  v128.store(to + step, f32x4.add(d1, d2));
  v128.store(to + 2 * step, f32x4.sub(d2, d1));
  v128.store(to + 3 * step, f32x4.sub(d1, d3));
}

/**
 * Tiles of four rows of an image, two columns further each: `image` is the first pixel, rows are `rowBytes` apart. `lines` has room
 * for the four rows of 2·tiles + 2 pixels.
 */
export function transformTiles(
  image: usize,
  rowBytes: usize,
  pixelBytes: usize,
  tiles: usize,
  lines: usize,
  to: usize,
  planeBytes: usize,
): void {
  const length = (tiles * 2 + 2) * pixelBytes;
  for (let j: usize = 0; j < length; j += 16) {
    const from = image + j;
    transformLine(
      v128.load(from),
      v128.load(from + rowBytes),
      v128.load(from + 2 * rowBytes),
      v128.load(from + 3 * rowBytes),
      lines + j,
      length,
    );
  }
  for (let t: usize = 0; t < tiles; t++) {
    for (let i: usize = 0; i < 4; i++) {
      const target = to + i * 4 * planeBytes;
      let from = lines + i * length + t * 2 * pixelBytes;
      for (let c: usize = 0; c < pixelBytes; c += 16) {
        transformLine(
          v128.load(from),
          v128.load(from + pixelBytes),
          v128.load(from + 2 * pixelBytes),
          v128.load(from + 3 * pixelBytes),
          target + c,
          planeBytes,
        );
        from += 16;
      }
    }
    to += pixelBytes;
  }
}

/** The two outputs of a line: (m0, m1, m2, m3) ↦ (m0 + m1 + m2, m1 − m2 − m3). */
function first(m0: v128, m1: v128, m2: v128): v128 {
  return f32x4.add(f32x4.add(m0, m1), m2);
}

function second(m1: v128, m2: v128, m3: v128): v128 {
  return f32x4.sub(f32x4.sub(m1, m2), m3);
}

/**
 * `tiles` transformed tiles as 2×2 pixels each, of which the last column is left out when `width` is odd, and the lower row unless
 * `below`. Returns zeros, or NaN among them where a pixel is not finite.
 */
export function outputTiles(
  from: usize,
  planeBytes: usize,
  tiles: usize,
  y: usize,
  rowBytes: usize,
  pixelBytes: usize,
  width: usize,
  below: bool,
): v128 {
  let verdict = f32x4.splat(0);
  const zero = f32x4.splat(0);
  const line = planeBytes * 4;
  for (let t: usize = 0; t < tiles; t++) {
    const right = t * 2 + 1 < width;
    for (let o: usize = 0; o < pixelBytes; o += 16) {
      let m = from + o;
      let m1 = v128.load(m + line);
      let m2 = v128.load(m + 2 * line);
      const upper0 = first(v128.load(m), m1, m2);
      const lower0 = second(m1, m2, v128.load(m + 3 * line));
      m += planeBytes;
      m1 = v128.load(m + line);
      m2 = v128.load(m + 2 * line);
      const upper1 = first(v128.load(m), m1, m2);
      const lower1 = second(m1, m2, v128.load(m + 3 * line));
      m += planeBytes;
      m1 = v128.load(m + line);
      m2 = v128.load(m + 2 * line);
      const upper2 = first(v128.load(m), m1, m2);
      const lower2 = second(m1, m2, v128.load(m + 3 * line));
      m += planeBytes;
      m1 = v128.load(m + line);
      m2 = v128.load(m + 2 * line);
      const upper3 = first(v128.load(m), m1, m2);
      const lower3 = second(m1, m2, v128.load(m + 3 * line));
      const to = y + o;
      const y00 = first(upper0, upper1, upper2);
      const y01 = second(upper1, upper2, upper3);
      const y10 = first(lower0, lower1, lower2);
      const y11 = second(lower1, lower2, lower3);
      v128.store(to, y00);
      if (right) v128.store(to + pixelBytes, y01);
      if (below) v128.store(to + rowBytes, y10);
      if (below && right) v128.store(to + rowBytes + pixelBytes, y11);
      verdict = multiplyAdd(y00, zero, multiplyAdd(y01, zero, verdict));
      verdict = multiplyAdd(y10, zero, multiplyAdd(y11, zero, verdict));
    }
    from += pixelBytes;
    y += 2 * pixelBytes;
  }
  return verdict;
}

/**
 * Tiles of 2×2 of the gradient that arrives, which in the gradient of the filter is what a filter is elsewhere. Along each axis
 * (g0, g1) ↦ (g0, (g0 + g1)/2, (g0 − g1)/2, g1). `columns` ≥ 1 and `below` as above: what is missing counts as 0. Channels go to
 * panels of 16, [panel][tile][16], `panelBytes` apart, and what is missing in the last is not written.
 */
export function gradientTiles(
  dy: usize,
  rowBytes: usize,
  pixelBytes: usize,
  tiles: usize,
  width: usize,
  below: bool,
  to: usize,
  panelBytes: usize,
  planeBytes: usize,
): void {
  const zero = f32x4.splat(0);
  for (let t: usize = 0; t < tiles; t++) {
    const right = t * 2 + 1 < width;
    for (let o: usize = 0; o < pixelBytes; o += 16) {
      const from = dy + o;
      const g00 = v128.load(from);
      const g01 = right ? v128.load(from + pixelBytes) : zero;
      const g10 = below ? v128.load(from + rowBytes) : zero;
      const g11 = below && right ? v128.load(from + rowBytes + pixelBytes) : zero;
      const target = to + (o >> 6) * panelBytes + (o & 63);
      widenLine(g00, g01, target, planeBytes);
      widenLine(half(f32x4.add(g00, g10)), half(f32x4.add(g01, g11)), target + 4 * planeBytes, planeBytes);
      widenLine(half(f32x4.sub(g00, g10)), half(f32x4.sub(g01, g11)), target + 8 * planeBytes, planeBytes);
      widenLine(g10, g11, target + 12 * planeBytes, planeBytes);
    }
    dy += 2 * pixelBytes;
    to += 64;
  }
}

function half(v: v128): v128 {
  return f32x4.mul(v, f32x4.splat(0.5));
}

function widenLine(g0: v128, g1: v128, to: usize, planeBytes: usize): void {
  v128.store(to, g0);
  v128.store(to + planeBytes, half(f32x4.add(g0, g1)));
  v128.store(to + 2 * planeBytes, half(f32x4.sub(g0, g1)));
  v128.store(to + 3 * planeBytes, g1);
}

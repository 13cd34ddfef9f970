/**
 * Gradients of pooling, NHWC float32: dy and y are `batch`×`outHeight`×`outWidth`×`channels`, x and dx
 * `batch`×`inHeight`×`inWidth`×`channels`; output (i, j) sees inputs from (i·strideHeight − top, j·strideWidth − left) on. What
 * lies outside the input belongs to no window.
 */

/** dx = each dy to the first input of its window that equals y; to the first NaN, or else the first largest, where none does. */
export function maxPoolGradient(
  dy: usize,
  x: usize,
  y: usize,
  dx: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  windowHeight: i32,
  windowWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  top: i32,
  left: i32,
): void {
  const pixel = (<usize>channels) << 2;
  const line = <usize>inWidth * pixel;
  const image = <usize>inHeight * line;
  const whole = (<usize>(channels & ~3)) << 2;
  memory.fill(dx, 0, <usize>batch * image);
  for (let n = 0; n < batch; n++) {
    for (let i = 0; i < outHeight; i++) {
      const firstRow = max(0, i * strideHeight - top);
      const rows = min(inHeight, i * strideHeight - top + windowHeight) - firstRow;
      for (let j = 0; j < outWidth; j++) {
        const firstColumn = max(0, j * strideWidth - left);
        const columns = min(inWidth, j * strideWidth - left + windowWidth) - firstColumn;
        if (rows > 0 && columns > 0) {
          const corner = <usize>firstRow * line + <usize>firstColumn * pixel;
          const width = <usize>columns * pixel;
          const bottom = corner + <usize>rows * line;
          let c: usize = 0;
          for (; c < whole; c += 16) {
            const maximum = v128.load(y + c);
            const upstream = v128.load(dy + c);
            let open = i32x4.splat(-1);
            for (let row = corner + c; row < bottom + c; row += line) {
              for (let p = row; p < row + width; p += pixel) {
                const hit = v128.and(f32x4.eq(v128.load(x + p), maximum), open);
                open = v128.andnot(open, hit);
                v128.store(dx + p, f32x4.add(v128.load(dx + p), v128.and(upstream, hit)));
              }
            }
            const lost = i32x4.bitmask(open);
            for (let lane: usize = 0; lost >> (<i32>lane) != 0; lane++) {
              if ((lost >> (<i32>lane)) & 1) {
                const at = c + (lane << 2);
                giveToFirst(x, dx, corner + at, line, width, pixel, bottom + at, load<f32>(dy + at));
              }
            }
          }
          for (; c < pixel; c += 4) {
            const maximum = load<f32>(y + c);
            let winner: usize = -1;
            for (let row = corner + c; row < bottom + c && winner == -1; row += line) {
              for (let p = row; p < row + width; p += pixel) {
                if (load<f32>(x + p) == maximum) {
                  winner = p;
                  break;
                }
              }
            }
            if (winner == -1)
              giveToFirst(x, dx, corner + c, line, width, pixel, bottom + c, load<f32>(dy + c));
            else store<f32>(dx + winner, load<f32>(dx + winner) + load<f32>(dy + c));
          }
        }
        y += pixel;
        dy += pixel;
      }
    }
    x += image;
    dx += image;
  }
}

/** dx[p] += upstream for the first NaN of the window, or else its first largest element. */
function giveToFirst(
  x: usize,
  dx: usize,
  corner: usize,
  line: usize,
  width: usize,
  pixel: usize,
  bottom: usize,
  upstream: f32,
): void {
  let best = corner;
  for (let row = corner; row < bottom; row += line) {
    for (let p = row; p < row + width; p += pixel) {
      const value = load<f32>(x + p);
      const leader = load<f32>(x + best);
      if (!isNaN(leader) && (isNaN(value) || value > leader)) best = p;
    }
  }
  store<f32>(dx + best, load<f32>(dx + best) + upstream);
}

/** dx = each dy shared equally by the inputs of its window. */
export function avgPoolGradient(
  dy: usize,
  dx: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  windowHeight: i32,
  windowWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  top: i32,
  left: i32,
): void {
  const pixel = (<usize>channels) << 2;
  const line = <usize>inWidth * pixel;
  const image = <usize>inHeight * line;
  const whole = (<usize>(channels & ~3)) << 2;
  memory.fill(dx, 0, <usize>batch * image);
  for (let n = 0; n < batch; n++) {
    for (let i = 0; i < outHeight; i++) {
      const firstRow = max(0, i * strideHeight - top);
      const rows = min(inHeight, i * strideHeight - top + windowHeight) - firstRow;
      for (let j = 0; j < outWidth; j++) {
        const firstColumn = max(0, j * strideWidth - left);
        const columns = min(inWidth, j * strideWidth - left + windowWidth) - firstColumn;
        if (rows > 0 && columns > 0) {
          const share = <f32>1 / <f32>(rows * columns);
          const shares = f32x4.splat(share);
          const corner = <usize>firstRow * line + <usize>firstColumn * pixel;
          const bottom = corner + <usize>rows * line;
          for (let row = corner; row < bottom; row += line) {
            for (let p = row; p < row + <usize>columns * pixel; p += pixel) {
              const target = dx + p;
              let c: usize = 0;
              for (; c < whole; c += 16) {
                const part = f32x4.mul(v128.load(dy + c), shares);
                v128.store(target + c, f32x4.add(v128.load(target + c), part));
              }
              for (; c < pixel; c += 4) {
                store<f32>(target + c, load<f32>(target + c) + load<f32>(dy + c) * share);
              }
            }
          }
        }
        dy += pixel;
      }
    }
    dx += image;
  }
}

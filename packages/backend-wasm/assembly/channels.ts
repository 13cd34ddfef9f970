/**
 * Covered images for depthwise convolutions with several outputs for each channel: the channels of the output are laid out as
 * those of the input, so that a channel of the output meets one element of each pixel.
 */

/**
 * out[y, x, c·repeat + r] = image[y + top, x + left, c] for all r, or 0 outside; with `depth` above 1 (and `repeat` 1) the channels
 * are regrouped instead: out[y, x, q·channels/depth + c] = image[y + top, x + left, c·depth + q]. The image is [height, width,
 * channels]. Up to 12 bytes after the output are overwritten.
 */
export function coverChannels(
  image: usize,
  height: i32,
  width: i32,
  channels: usize,
  repeat: usize,
  depth: usize,
  top: i32,
  left: i32,
  out: usize,
  coverHeight: i32,
  coverWidth: i32,
): void {
  const from = min(coverWidth, max(0, -left));
  const to = max(from, min(coverWidth, width - left));
  const outBytes = channels * repeat * 4;
  for (let y = 0; y < coverHeight; y++) {
    const source = y + top;
    if (source < 0 || source >= height || to == from) {
      memory.fill(out, 0, <usize>coverWidth * outBytes);
    } else {
      const row = image + <usize>(source * width + from + left) * channels * 4;
      const pixels = <usize>(to - from);
      memory.fill(out, 0, <usize>from * outBytes);
      if (depth > 1) regroup(row, pixels, channels / depth, depth, out + <usize>from * outBytes);
      else repeatEach(row, pixels * channels, repeat, out + <usize>from * outBytes);
      memory.fill(out + <usize>to * outBytes, 0, <usize>(coverWidth - to) * outBytes);
    }
    out += <usize>coverWidth * outBytes;
  }
}

/** out[e·times + r] = x[e] for `count` elements e and all r < times. Writes whole vectors, so up to 12 bytes too many. */
function repeatEach(x: usize, count: usize, times: usize, out: usize): void {
  const step = times * 4;
  for (let e: usize = 0; e < count; e++) {
    const element = v128.load32_splat(x + e * 4);
    for (let r: usize = 0; r < step; r += 16) v128.store(out + r, element);
    out += step;
  }
}

/** out[p, q, c] = x[p, c, q] for `count` pixels of `channels`×`depth` elements. */
function regroup(x: usize, count: usize, channels: usize, depth: usize, out: usize): void {
  const step = depth * 4;
  for (let p: usize = 0; p < count; p++) {
    for (let q: usize = 0; q < depth; q++) {
      let at = x + q * 4;
      let c: usize = 0;
      for (; c + 4 <= channels; c += 4) {
        let four = v128.load32_zero(at);
        four = v128.load_lane<f32>(at + step, four, 1);
        four = v128.load_lane<f32>(at + 2 * step, four, 2);
        four = v128.load_lane<f32>(at + 3 * step, four, 3);
        v128.store(out, four);
        at += 4 * step;
        out += 16;
      }
      for (; c < channels; c++) {
        store<f32>(out, load<f32>(at));
        at += step;
        out += 4;
      }
    }
    x += channels * step;
  }
}

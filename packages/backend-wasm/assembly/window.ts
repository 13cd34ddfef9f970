/** A rectangle of an image as an image of its own: for convolutions over padded inputs, which then never look at a border. */

/** The address of pixel (top, left): in the image itself when the rectangle lies `inside` it, else in a copy at `space`. */
export function coverImage(
  image: usize,
  height: i32,
  width: i32,
  pixelBytes: usize,
  top: i32,
  left: i32,
  inside: bool,
  space: usize,
  coverHeight: i32,
  coverWidth: i32,
): usize {
  if (inside) return image + <usize>(top * width + left) * pixelBytes;
  copyWindow(image, height, width, pixelBytes, top, left, space, coverHeight, coverWidth);
  return space;
}

/**
 * out[y, x, ·] = image[y + top, x + left, ·], or 0 outside. The image is [height, width], the output [outHeight, outWidth],
 * both with `pixelBytes` bytes (a multiple of 4) for each pixel.
 */
function copyWindow(
  image: usize,
  height: i32,
  width: i32,
  pixelBytes: usize,
  top: i32,
  left: i32,
  out: usize,
  outHeight: i32,
  outWidth: i32,
): void {
  const from = min(outWidth, max(0, -left));
  const to = max(from, min(outWidth, width - left));
  const rowBytes = <usize>outWidth * pixelBytes;
  for (let y = 0; y < outHeight; y++) {
    const source = y + top;
    if (source < 0 || source >= height || to == from) {
      memory.fill(out, 0, rowBytes);
    } else {
      memory.fill(out, 0, <usize>from * pixelBytes);
      memory.copy(
        out + <usize>from * pixelBytes,
        image + <usize>(source * width + from + left) * pixelBytes,
        <usize>(to - from) * pixelBytes,
      );
      memory.fill(out + <usize>to * pixelBytes, 0, <usize>(outWidth - to) * pixelBytes);
    }
    out += rowBytes;
  }
}

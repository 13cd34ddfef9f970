/** A drawing as MNIST would have it: fitted into 20 × 20, and placed in 28 × 28 with its centre of mass in the middle. */

export const SIDE = 28;
const BOX = 20;
/** Less ink than this, of 255, is none. */
const THRESHOLD = 10;

/** Ink from 0 to 255, row by row. */
export interface Drawing {
  readonly ink: ArrayLike<number>;
  readonly width: number;
  readonly height: number;
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** `[784]` bytes; undefined for an empty drawing. */
export function digitImage(drawing: Drawing): Uint8Array | undefined {
  const box = boundingBox(drawing);
  if (box === undefined) return undefined;
  const width = box.right - box.left;
  const height = box.bottom - box.top;
  const scale = BOX / Math.max(width, height);
  const [columns, rows] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  const small = new Float64Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      small[row * columns + column] = meanInk(drawing, {
        left: box.left + (column * width) / columns,
        right: box.left + ((column + 1) * width) / columns,
        top: box.top + (row * height) / rows,
        bottom: box.top + ((row + 1) * height) / rows,
      });
    }
  }
  return placed(small, columns, rows);
}

function boundingBox({ ink, width, height }: Drawing): Box | undefined {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (ink[y * width + x]! < THRESHOLD) continue;
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
      top = Math.min(top, y);
      bottom = y + 1;
    }
  }
  return right === 0 ? undefined : { left, top, right, bottom };
}

/** Mean over an area, each pixel weighted by its share of it. */
function meanInk({ ink, width }: Drawing, { left, top, right, bottom }: Box): number {
  let sum = 0;
  for (let y = Math.floor(top); y < bottom; y++) {
    const tall = Math.min(y + 1, bottom) - Math.max(y, top);
    for (let x = Math.floor(left); x < right; x++) {
      const wide = Math.min(x + 1, right) - Math.max(x, left);
      sum += wide * tall * ink[y * width + x]!;
    }
  }
  return sum / ((right - left) * (bottom - top));
}

function placed(small: Float64Array, columns: number, rows: number): Uint8Array {
  let [mass, x, y] = [0, 0, 0];
  small.forEach((ink, i) => {
    mass += ink;
    x += ink * ((i % columns) + 0.5);
    y += ink * (Math.floor(i / columns) + 0.5);
  });
  const offset = (centre: number, size: number): number =>
    Math.max(0, Math.min(SIDE - size, Math.round(SIDE / 2 - centre)));
  const [dx, dy] = [offset(x / mass, columns), offset(y / mass, rows)];
  const image = new Uint8Array(SIDE * SIDE);
  small.forEach((ink, i) => {
    image[(dy + Math.floor(i / columns)) * SIDE + dx + (i % columns)] = Math.round(ink);
  });
  return image;
}

/** The contour lines of the turned function, as paths in pixels: marching squares by d3-contour on log₁₀ f, since f spans seven powers of ten. */
import { contours } from 'd3-contour';
import { toFunction, toPlane, valueAt, WINDOW } from './landscape.js';
import type { Point } from './landscape.js';

/** Cells along a side of the window; the valley is five of them wide where f = 1. */
const CELLS = 180;

/** log₁₀ f of the lines. */
export const LEVELS: readonly number[] = [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4];

const SPAN = WINDOW.high - WINDOW.low;

/** From the plane to pixels of a square of `size`, the vertical axis upwards. */
export function toPixels([x, y]: Point, size: number): Point {
  return [((x - WINDOW.low) / SPAN) * size, ((WINDOW.high - y) / SPAN) * size];
}

/** The place in the plane that a pixel shows. */
export function fromPixels([left, top]: Point, size: number): Point {
  return [WINDOW.low + (left / size) * SPAN, WINDOW.high - (top / size) * SPAN];
}

export interface Contour {
  readonly level: number;
  /** Rings in [0, 1]², the vertical axis downwards; inside, f is at least 10^level. Holes are rings of the other sense. */
  readonly rings: readonly (readonly Point[])[];
}

/** One contour a level, from the valley upwards. */
export function contoursOf(degrees: number): Contour[] {
  const heights = new Array<number>(CELLS * CELLS);
  for (let row = 0; row < CELLS; row++) {
    for (let column = 0; column < CELLS; column++) {
      const place = fromPixels([column + 0.5, row + 0.5], CELLS);
      heights[row * CELLS + column] = Math.log10(Math.max(valueAt(toFunction(place, degrees)), 1e-3));
    }
  }
  const lines = contours()
    .size([CELLS, CELLS])
    .thresholds([...LEVELS]);
  return lines(heights).map(({ value, coordinates }) => ({
    level: value,
    rings: coordinates.flatMap((polygon) =>
      polygon.map((ring) => ring.map(([x, y]): Point => [x! / CELLS, y! / CELLS])),
    ),
  }));
}

/** The floor of the valley, y = x², where only (1 − x)² is left: places in the plane. */
export function valleyFloor(degrees: number): Point[] {
  return Array.from({ length: 121 }, (_, i) => {
    const x = -3 + i / 20;
    return toPlane([x, x * x], degrees);
  });
}

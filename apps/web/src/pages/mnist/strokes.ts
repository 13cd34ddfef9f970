/** A drawing by hand: lines in a unit square, and the ink that they leave. */
import type { Drawing } from './digit-image.js';

/** Corners of a line, x and y in turn, each in [0, 1]. */
export type Stroke = readonly number[];

/** Width of the pen, as a share of the square's side. */
const PEN = 0.085;
const SIDE = 140;

/** Draws with the current stroke style into a square of `size` pixels. */
export function drawStrokes(
  context: CanvasRenderingContext2D,
  strokes: readonly Stroke[],
  size: number,
): void {
  context.lineWidth = PEN * size;
  context.lineCap = 'round';
  context.lineJoin = 'round';
  for (const stroke of strokes) {
    context.beginPath();
    context.moveTo(stroke[0]! * size, stroke[1]! * size);
    // A tap is a line of no length, which is drawn as a dot.
    for (let i = 0; i < stroke.length; i += 2) context.lineTo(stroke[i]! * size, stroke[i + 1]! * size);
    context.stroke();
  }
}

/** The ink of the strokes on paper of its own. */
export function inkOf(strokes: readonly Stroke[]): Drawing {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = SIDE;
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  drawStrokes(context, strokes, SIDE);
  const { data } = context.getImageData(0, 0, SIDE, SIDE);
  const ink = Uint8Array.from({ length: SIDE * SIDE }, (_, i) => data[4 * i + 3]!);
  return { ink, width: SIDE, height: SIDE };
}

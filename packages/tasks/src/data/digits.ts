/** A synthetic data set of digits that needs no file: dot-matrix glyphs, scaled, slanted, shifted, dimmed and speckled by a seeded generator. Not handwriting. */
import { createRandom, requireInteger } from '@apo/core';
import type { Random } from '@apo/core';
import type { LabelledExamples, LabelledSplits } from './examples.js';
import { GLYPH_HEIGHT, GLYPH_WIDTH, glyphs } from './glyphs.js';

const SIDE = 12;
const MAX_SLANT = 0.15;
const NOISE = 0.08;

export interface DigitsOptions {
  /** Default 2,000. */
  readonly train?: number;
  /** Default 500. */
  readonly test?: number;
  /** Default 0. */
  readonly seed?: number;
}

/**
 * Draws 12 × 12 images of the digits 0 … 9, each class equally likely; the same for the same seed everywhere.
 * @throws ApoError `INVALID_ARGUMENT` for a count below 1 or a seed that is not whole.
 */
export function syntheticDigits({ train = 2000, test = 500, seed = 0 }: DigitsOptions = {}): LabelledSplits {
  requireInteger('train', train, 1);
  requireInteger('test', test, 1);
  const random = createRandom(seed);
  return { train: draw(train, random), test: draw(test, random) };
}

function draw(count: number, random: Random): LabelledExamples {
  const inputs = new Uint8Array(count * SIDE * SIDE);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    labels[i] = random.integer(glyphs.length);
    drawGlyph(glyphs[labels[i]!]!, inputs.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE), random);
  }
  return { inputs, labels, exampleShape: [SIDE, SIDE], classes: glyphs.length };
}

function drawGlyph(glyph: Uint8Array, image: Uint8Array, random: Random): void {
  const between = (low: number, high: number): number => low + (high - low) * random.next();
  const [scaleX, scaleY] = [between(1.1, 1.6), between(1.1, 1.5)];
  const slant = between(-MAX_SLANT, MAX_SLANT);
  const spareX = (SIDE - GLYPH_WIDTH * scaleX) / 2;
  const spareY = (SIDE - GLYPH_HEIGHT * scaleY) / 2;
  const [shiftX, shiftY] = [between(-spareX, spareX) / 2, between(-spareY, spareY) / 2];
  const ink = between(0.6, 1);
  const middle = (SIDE - 1) / 2;
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const v = y - middle - shiftY;
      const u = x - middle - shiftX + slant * v;
      const value =
        ink * sample(glyph, u / scaleX + (GLYPH_WIDTH - 1) / 2, v / scaleY + (GLYPH_HEIGHT - 1) / 2) +
        NOISE * random.normal();
      image[y * SIDE + x] = Math.round(255 * Math.min(1, Math.max(0, value)));
    }
  }
}

/** Bilinear interpolation; no ink outside the glyph. */
function sample(glyph: Uint8Array, x: number, y: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [fx, fy] = [x - left, y - top];
  const at = (column: number, row: number): number =>
    column < 0 || column >= GLYPH_WIDTH || row < 0 || row >= GLYPH_HEIGHT
      ? 0
      : glyph[row * GLYPH_WIDTH + column]!;
  return (
    (1 - fy) * ((1 - fx) * at(left, top) + fx * at(left + 1, top)) +
    fy * ((1 - fx) * at(left, top + 1) + fx * at(left + 1, top + 1))
  );
}

import { describe, expect, it } from 'vitest';
import type { LabelledExamples } from './examples.js';
import { pooledImages } from './pool-images.js';

/** Two images of 2 × 4 pixels: 1 … 8 and 248 … 255. */
const images: LabelledExamples = {
  inputs: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 248, 249, 250, 251, 252, 253, 254, 255),
  labels: Uint8Array.of(0, 1),
  exampleShape: [2, 4],
  classes: 2,
};

describe('pooledImages', () => {
  it('sums blocks of pixels, with the largest possible sum as unit', () => {
    // 1+2+5+6, 3+4+7+8; 248+249+252+253, 250+251+254+255.
    expect(pooledImages(images, 2)).toEqual({
      values: Uint16Array.of(14, 22, 1002, 1010),
      width: 2,
      unit: 1020,
    });
  });

  it('keeps rows of blocks apart', () => {
    const inputs = Uint8Array.from({ length: 16 }, (_, i) => i);
    const square = { inputs, labels: Uint8Array.of(0), exampleShape: [4, 4], classes: 1 };
    // The corner (0, 0) has pixels 0, 1, 4, 5; a block further right adds 2 to each, one further down 8.
    expect([...pooledImages(square, 2).values]).toEqual([10, 18, 42, 50]);
  });

  it('leaves the bytes alone for a block of one', () => {
    const rows = pooledImages(images, 1);
    expect(rows.values).toBe(images.inputs);
    expect([rows.width, rows.unit]).toEqual([8, 255]);
  });

  it('holds the sums of the largest block: 16 × 16 white pixels', () => {
    const white = {
      inputs: new Uint8Array(256).fill(255),
      labels: Uint8Array.of(0),
      exampleShape: [16, 16],
      classes: 1,
    };
    expect(pooledImages(white, 16)).toEqual({ values: Uint16Array.of(65_280), width: 1, unit: 65_280 });
  });

  it.each([
    [images, 4, /block is 4 and the images are \[2, 4\]/],
    [images, 0, /block is 0/],
    [{ ...images, exampleShape: [8] }, 2, /images are \[8\]; expected two sides/],
    [{ ...images, labels: Uint8Array.of(0) }, 2, /1 labels and 16 input bytes/],
  ])('refuses %o in blocks of %d', (given, block, message) => {
    expect(() => pooledImages(given, block)).toThrow(message);
  });
});

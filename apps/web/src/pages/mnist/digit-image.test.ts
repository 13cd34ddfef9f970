import { expect, test } from 'vitest';
import { digitImage, SIDE } from './digit-image.js';

function drawing(width: number, height: number, inked: (x: number, y: number) => boolean) {
  const ink = Uint8Array.from({ length: width * height }, (_, i) =>
    inked(i % width, Math.floor(i / width)) ? 255 : 0,
  );
  return { ink, width, height };
}

test('an empty drawing is no digit', () => {
  expect(digitImage(drawing(280, 280, () => false))).toBeUndefined();
});

test('a square anywhere, of any size, becomes 20 × 20 in the middle', () => {
  const image = digitImage(drawing(280, 200, (x, y) => x >= 30 && x < 70 && y >= 100 && y < 140))!;
  for (let i = 0; i < SIDE * SIDE; i++) {
    const [x, y] = [i % SIDE, Math.floor(i / SIDE)];
    expect(image[i]).toBe(x >= 4 && x < 24 && y >= 4 && y < 24 ? 255 : 0);
  }
});

test('a thin stroke keeps its proportions', () => {
  // 20 wide and 200 tall: 2 × 20 in the middle columns 13 and 14.
  const image = digitImage(drawing(280, 280, (x, y) => x >= 40 && x < 60 && y >= 20 && y < 220))!;
  const inked = Array.from(image.keys()).filter((i) => image[i]! > 0);
  expect(new Set(inked.map((i) => i % SIDE))).toEqual(new Set([13, 14]));
  expect(inked).toHaveLength(40);
});

test('ink that covers half of a pixel is half as dark', () => {
  // Bounding box 40 × 40, two pixels of the drawing a pixel of the image; every other column is inked.
  const image = digitImage(drawing(100, 100, (x, y) => x < 40 && y < 40 && (x % 2 === 0 || x === 39)))!;
  expect(image[10 * SIDE + 10]).toBe(Math.round(255 / 2));
});

test('the centre of mass goes to the middle', () => {
  // An L: mass of the upright 10 × 40, of the foot 30 × 10, in units of the drawing; the box is 40 × 40.
  // Centre: x = (400·5 + 300·25)/700 = 13.57, y = (400·20 + 300·35)/700 = 26.43; halved: 6.79 and 13.21.
  // Offsets 14 − 6.79 → 7, clipped to at most 8; 14 − 13.21 → 1.
  const image = digitImage(drawing(60, 60, (x, y) => x < 40 && y < 40 && (x < 10 || y >= 30)))!;
  expect(image[1 * SIDE + 7]).toBe(255);
  expect(image[0 * SIDE + 7]).toBe(0);
  expect(image[1 * SIDE + 6]).toBe(0);
  expect(image[20 * SIDE + 26]).toBe(255);
});

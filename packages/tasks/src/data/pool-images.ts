/** Smaller images by averaging squares of pixels. The averages are kept as whole sums, so nothing is rounded before a batch is made. */
import { requireArgument, requireInteger } from '@apo/core';
import { featureCount, requireExamples } from './examples.js';
import type { LabelledExamples } from './examples.js';
import type { Rows } from './rows.js';

/**
 * Images `[height, width]` in blocks of `block` × `block` pixels: one row an image, `[height / block · width / block]`,
 * the sums of the blocks, with 255 · block² as unit (an average in [0, 1]). `block` 1 gives the images as they are.
 * @throws ApoError `INVALID_ARGUMENT` for examples that are no images, a block outside 1 … 16 (sums have 16 bits), or
 *   sides that it does not divide.
 */
export function pooledImages(images: LabelledExamples, block: number): Rows {
  requireExamples('the images', images);
  requireInteger('block', block, 1);
  const [height, width] = images.exampleShape as [number, number];
  requireArgument(
    images.exampleShape.length === 2 && height % block === 0 && width % block === 0 && block <= 16,
    () =>
      `block is ${block} and the images are [${images.exampleShape.join(', ')}]; expected two sides that the block divides, and a block of at most 16.`,
  );
  if (block === 1) return { values: images.inputs, width: featureCount(images), unit: 255 };
  const columns = width / block;
  const sums = new Uint16Array(images.inputs.length / block ** 2);
  // Rows of pixels are numbered through all images: the block divides the height, so none straddles two.
  for (let pixel = 0; pixel < images.inputs.length; pixel++) {
    const row = Math.floor(Math.floor(pixel / width) / block);
    sums[row * columns + Math.floor((pixel % width) / block)]! += images.inputs[pixel]!;
  }
  return { values: sums, width: (height / block) * columns, unit: 255 * block ** 2 };
}

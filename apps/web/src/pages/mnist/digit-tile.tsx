/** One digit as MNIST has it, 28 × 28, drawn in the colour of the text. */
import { useSignal, useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { redrawWithTheme, token } from '../../ui/theme.js';
import { SIDE } from './digit-image.js';

export interface DigitTileProps {
  /** 784 bytes, 0 is background. */
  readonly image: Uint8Array;
  /** Width and height in CSS pixels. */
  readonly size: number;
}

/** Decoration: say beside it which digit it is. */
export function DigitTile({ image, size }: DigitTileProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const shown = useSignal(image);
  shown.value = image;
  useSignalEffect(() => {
    redrawWithTheme();
    const bytes = shown.value;
    const context = canvas.current?.getContext('2d');
    if (context == null) return;
    const picture = context.createImageData(SIDE, SIDE);
    bytes.forEach((ink, i) => (picture.data[4 * i + 3] = ink));
    context.putImageData(picture, 0, 0);
    // Colours what has ink and leaves the rest as it is.
    context.globalCompositeOperation = 'source-in';
    context.fillStyle = token('--ink');
    context.fillRect(0, 0, SIDE, SIDE);
  });
  return (
    <canvas
      ref={canvas}
      class="digit-tile"
      width={SIDE}
      height={SIDE}
      style={{ width: `${size}px`, height: `${size}px` }}
      aria-hidden="true"
    />
  );
}

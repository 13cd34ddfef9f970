/** A matrix as a heat-map: square cells, as large as fit, around a diverging scale whose ends are said below it. */
import { useComputed } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import { Canvas } from '../../ui/canvas.js';
import type { Drawing } from '../../ui/canvas.js';
import { formatNumber } from '../../ui/format.js';
import { token } from '../../ui/theme.js';
import type { Matrix } from './contract.js';
import { heatLimit, heatPixels, parseHex } from './heat-scale.js';
import type { Ramp } from './heat-scale.js';
import { factsOf } from './matrix-facts.js';
import type { FactorName } from './matrix-facts.js';
import type { Shown } from './settings.js';
import { matrixInWords } from './words.js';

export interface MatrixPictureProps {
  readonly name: FactorName;
  /** What its rows and columns stand for. */
  readonly sides: string;
  /** Undefined before there is one. */
  readonly matrix: ReadonlySignal<Matrix | undefined>;
  readonly shown: Shown;
  readonly rows: number;
  readonly columns: number;
}

export function MatrixPicture({ name, sides, matrix, shown, rows, columns }: MatrixPictureProps) {
  const limit = useComputed(() => (matrix.value === undefined ? 0 : heatLimit(matrix.value.values)));
  const words = useComputed(() =>
    matrix.value === undefined ? `${name}: nothing yet.` : matrixInWords(name, matrix.value, shown),
  );
  return (
    <section class="matrix" aria-label={`Matrix ${name}`}>
      <h3>
        <i class="math">{name}</i> <span class="matrix-size">{`${rows} × ${columns}, ${sides}`}</span>
      </h3>
      <Canvas
        ratio={1}
        label={words.value}
        draw={(drawing) => {
          if (matrix.value !== undefined) drawMatrix(drawing, matrix.value, limit.value);
        }}
      />
      <HeatBar limit={limit.value} />
      <Facts matrix={matrix.value} />
    </section>
  );
}

/** The colours from −limit to limit. */
export function HeatBar({ limit }: { readonly limit: number }) {
  const end = limit === 0 ? '0' : formatNumber(limit);
  return (
    <p class="heat-bar">
      <span>{limit === 0 ? '0' : `−${end}`}</span>
      <span class="heat-colors" aria-hidden="true" />
      <span>{end}</span>
    </p>
  );
}

function Facts({ matrix }: { readonly matrix: Matrix | undefined }) {
  if (matrix === undefined) return <p class="matrix-facts">–</p>;
  const { norm, largest } = factsOf(matrix, 1);
  const [first] = largest;
  return (
    <p class="matrix-facts">
      norm {formatNumber(norm, 2)}
      {first !== undefined && `; largest ${formatNumber(first.value, 2)} at ${first.row}, ${first.column}`}
    </p>
  );
}

/** The colours of the theme. */
export function heatRamp(): Ramp {
  return {
    low: parseHex(token('--heat-low')),
    middle: parseHex(token('--heat-middle')),
    high: parseHex(token('--heat-high')),
  };
}

/** Draws the matrix as large as fits, in the middle, with a thin frame. */
export function drawMatrix({ context, width, height }: Drawing, matrix: Matrix, limit: number): void {
  const { rows, columns, values } = matrix;
  const scale = Math.min(width / columns, height / rows);
  const [across, down] = [columns * scale, rows * scale];
  const [left, top] = [(width - across) / 2, (height - down) / 2];
  const cells = new OffscreenCanvas(columns, rows);
  cells
    .getContext('2d')!
    .putImageData(new ImageData(heatPixels(values, heatRamp(), limit), columns, rows), 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(cells, left, top, across, down);
  context.strokeStyle = token('--line');
  context.lineWidth = 1;
  context.strokeRect(left + 0.5, top + 0.5, across - 1, down - 1);
}

/** One row of the factor that lives on pixels, as a picture: with which other pixels the preconditioner mixes the chosen one. */
import { signal } from '@preact/signals';
import { computed } from '@preact/signals';
import { Canvas } from '../../ui/canvas.js';
import type { Drawing, PointerPosition } from '../../ui/canvas.js';
import { formatNumber } from '../../ui/format.js';
import { Slider } from '../../ui/slider.js';
import { token } from '../../ui/theme.js';
import { heatLimit } from './heat-scale.js';
import { changeOf, rowOf } from './matrix-facts.js';
import { drawMatrix, HeatBar } from './matrix-picture.js';
import { PIXELS, SIDE } from './networks.js';
import { layer, run } from './page-state.js';

/** From 1; near the middle of the picture. */
const row = signal(6);
const column = signal(7);

/** The pixels are the inputs of the first layer and the outputs of the last. */
const factor = computed(() =>
  layer.value.inputs === PIXELS
    ? ('B' as const)
    : layer.value.outputs === PIXELS
      ? ('A' as const)
      : undefined,
);

/** B − I or A − I at the chosen pixel's row, without the bias. */
const picture = computed(() => {
  const { matrices } = run.record.value;
  if (factor.value === undefined || matrices?.layer !== layer.value.number) return undefined;
  const pixel = (row.value - 1) * SIDE + column.value;
  const values = rowOf(changeOf(factor.value, matrices[factor.value]), pixel).slice(0, PIXELS);
  return { rows: SIDE, columns: SIDE, values };
});

export function RowFigure() {
  if (factor.value === undefined) return null;
  const name = factor.value;
  const limit = picture.value === undefined ? 0 : heatLimit(picture.value.values);
  return (
    <section class="row-figure" aria-label={`A row of ${name}`}>
      <div class="row-picture">
        <Canvas
          ratio={1}
          label={inWords(name)}
          draw={(drawing) => {
            if (picture.value !== undefined) drawMatrix(drawing, picture.value, limit);
            drawChosen(drawing);
          }}
          onPointer={choose}
        />
        <HeatBar limit={limit} />
      </div>
      <div class="row-controls">
        <p>
          A row of <i class="math">{name}</i> − <i class="math">I</i> belongs to one pixel, so it is a
          picture: how strongly each pixel is mixed with the framed one. Click another, or use the sliders.
        </p>
        <Slider
          label="Row of the pixel"
          name="pixelRow"
          value={row}
          min={1}
          max={SIDE}
          step={1}
          format={String}
        />
        <Slider
          label="Column of the pixel"
          name="pixelColumn"
          value={column}
          min={1}
          max={SIDE}
          step={1}
          format={String}
        />
      </div>
    </section>
  );
}

function choose(event: PointerEvent, { x, y, width, height }: PointerPosition): void {
  if (event.type !== 'pointerdown' && event.buttons !== 1) return;
  const at = (part: number): number => Math.max(1, Math.min(SIDE, Math.floor(part * SIDE) + 1));
  row.value = at(y / height);
  column.value = at(x / width);
}

function drawChosen({ context, width, height }: Drawing): void {
  const [across, down] = [width / SIDE, height / SIDE];
  context.strokeStyle = token('--ink');
  context.lineWidth = 2;
  context.strokeRect((column.value - 1) * across + 1, (row.value - 1) * down + 1, across - 2, down - 2);
}

function inWords(name: string): string {
  const where = `row ${row.value}, column ${column.value}`;
  if (picture.value === undefined) return `The row of ${name} of the pixel in ${where}: nothing yet.`;
  const { values } = picture.value;
  let best = 0;
  values.forEach((value, i) => {
    if (Math.abs(value) > Math.abs(values[best]!)) best = i;
  });
  return `The row of ${name} − I of the pixel in ${where}, as a picture. Its largest entry is ${formatNumber(values[best]!, 2)}, for the pixel in row ${Math.floor(best / SIDE) + 1}, column ${(best % SIDE) + 1}.`;
}

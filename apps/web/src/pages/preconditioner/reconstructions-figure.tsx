/** Ten digits, and what each network makes of them now. */
import { computed } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import { Canvas } from '../../ui/canvas.js';
import type { Drawing } from '../../ui/canvas.js';
import { Figure } from '../../ui/figure.js';
import { formatNumber } from '../../ui/format.js';
import { token } from '../../ui/theme.js';
import { RUNS } from './contract.js';
import { parseHex } from './heat-scale.js';
import { PIXELS, SIDE } from './networks.js';
import { run } from './page-state.js';
import { RUN_COLORS, RUN_LABELS } from './words.js';

const COUNT = 10;
/** Between two images, as a share of one. */
const GAP = 0.12;

const examples = computed(() => run.started.value?.examples);
const rows = RUNS.map((name) => ({
  name,
  images: computed(() => run.record.value.reconstructions?.[name]),
}));

export function ReconstructionsFigure() {
  const { testLosses } = run.record.value;
  const losses = testLosses.at(-1)?.testLoss;
  return (
    <Figure
      title="Reconstructions"
      caption="Images of the test set, one of each digit, after they have passed through the code in the middle of each network. None of them was trained on."
    >
      <div class="strips">
        <p class="strip-label">Original</p>
        <Strip images={examples} label="The original images of the digits 0 to 9." />
        {rows.map(({ name, images }) => {
          const loss = losses?.[name];
          return (
            <>
              <p class="strip-label" key={`${name}-label`} style={{ color: `var(${RUN_COLORS[name]})` }}>
                {RUN_LABELS[name]}
                <span class="strip-loss">{loss == null ? '' : `${formatNumber(loss)} nats`}</span>
              </p>
              <Strip
                key={name}
                images={images}
                label={`The digits 0 to 9 as ${RUN_LABELS[name]} reconstructs them${loss == null ? '' : `; test loss ${formatNumber(loss)} nats an image`}.`}
              />
            </>
          );
        })}
      </div>
    </Figure>
  );
}

interface StripProps {
  /** `[10, 196]`, 0 … 255; undefined before there are any. */
  readonly images: ReadonlySignal<Uint8Array | undefined>;
  readonly label: string;
}

function Strip({ images, label }: StripProps) {
  return (
    <Canvas
      ratio={1 / (COUNT + (COUNT - 1) * GAP)}
      label={label}
      draw={(drawing) => drawStrip(drawing, images.value)}
    />
  );
}

function drawStrip({ context, width, height }: Drawing, images: Uint8Array | undefined): void {
  const size = width / (COUNT + (COUNT - 1) * GAP);
  const [red, green, blue] = parseHex(token('--ink'));
  context.imageSmoothingEnabled = false;
  for (let i = 0; i < COUNT; i++) {
    const left = i * size * (1 + GAP);
    context.fillStyle = token('--sunken');
    context.fillRect(left, 0, size, height);
    if (images === undefined) continue;
    const pixels = new Uint8ClampedArray(4 * PIXELS);
    for (let pixel = 0; pixel < PIXELS; pixel++) {
      pixels.set([red, green, blue, images[i * PIXELS + pixel]!], 4 * pixel);
    }
    const image = new OffscreenCanvas(SIDE, SIDE);
    image.getContext('2d')!.putImageData(new ImageData(pixels, SIDE, SIDE), 0, 0);
    context.drawImage(image, left, 0, size, height);
  }
}

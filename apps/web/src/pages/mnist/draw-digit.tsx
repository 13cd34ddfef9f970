/** A digit from the reader's hand, or one of the test digits by keyboard, and what both networks take it for. */
import { computed, effect, signal } from '@preact/signals';
import { Button, ButtonRow } from '../../ui/button.js';
import { Canvas } from '../../ui/canvas.js';
import type { Drawing, PointerPosition } from '../../ui/canvas.js';
import { Figure } from '../../ui/figure.js';
import { formatPercent } from '../../ui/format.js';
import { token } from '../../ui/theme.js';
import type { ByRun } from './contract.js';
import { digitImage, SIDE } from './digit-image.js';
import { run } from './page-state.js';
import { drawStrokes, inkOf } from './strokes.js';
import type { Stroke } from './strokes.js';

const strokes = signal<readonly Stroke[]>([]);
/** Shown instead of the strokes. */
const testDigit = signal<number | undefined>(undefined);
const probabilities = signal<ByRun<readonly number[]> | undefined>(undefined);
let drawing = false;

const image = computed(() => {
  const test = run.started.value?.test;
  const index = testDigit.value;
  if (index !== undefined) return test?.images.subarray(784 * index, 784 * (index + 1));
  return strokes.value.length === 0 ? undefined : digitImage(inkOf(strokes.value));
});

/** Grows when the networks have learned something; a record changes much more often, and an answer takes a while. */
const evaluations = computed(() => run.record.value.evaluations.length);

let asked = 0;
effect(() => {
  const asking = image.value;
  const turn = ++asked;
  if (evaluations.value === 0 || asking === undefined) {
    probabilities.value = undefined;
    return;
  }
  void run.classify(asking).then((answer) => {
    if (turn === asked) probabilities.value = answer;
  });
});

export function DrawFigure() {
  const count = run.started.value?.test.labels.length ?? 0;
  const choose = (step: number): void => {
    const next = (testDigit.value ?? -step) + step;
    testDigit.value = (next + count) % count;
  };
  return (
    <Figure
      title="Draw a digit"
      caption="What you draw is cropped, scaled to 20 × 20 pixels and centred by its mass, as the digits of MNIST were. Without a pointer, take digits of the test set."
    >
      <div class="draw">
        <div class="draw-pad">
          <Canvas draw={draw} ratio={1} label={padLabel()} onPointer={onPointer} />
          <ButtonRow>
            <Button onClick={clear} name="clear-drawing">
              Clear
            </Button>
            <Button onClick={() => choose(-1)} disabled={count === 0} name="previous-digit">
              Previous test digit
            </Button>
            <Button onClick={() => choose(1)} disabled={count === 0} name="next-digit">
              Next test digit
            </Button>
          </ButtonRow>
        </div>
        <Answers />
      </div>
    </Figure>
  );
}

function Answers() {
  const both = probabilities.value;
  const best = (all: readonly number[]): string => {
    const digit = all.indexOf(Math.max(...all));
    return `${digit} (${formatPercent(all[digit]!, 0)})`;
  };
  return (
    <div class="answers">
      <p class="status" {...(isTraining() ? {} : { role: 'status' as const })} data-testid="classified">
        {both === undefined
          ? 'Train, then draw: both networks say what they see.'
          : `Self-tuned: ${best(both.tuned)}. Fixed: ${best(both.fixed)}.`}
      </p>
      <table class="answer-table">
        <thead>
          <tr>
            <th scope="col">Digit</th>
            <th scope="col">Self-tuned</th>
            <th scope="col">Fixed</th>
          </tr>
        </thead>
        <tbody>
          {Array.from({ length: 10 }, (_, digit) => (
            <tr key={digit}>
              <th scope="row">{digit}</th>
              <Bar share={both?.tuned[digit]} color="--data-tuned" />
              <Bar share={both?.fixed[digit]} color="--data-fixed" />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** An answer that changes many times a second is not read out. */
function isTraining(): boolean {
  return run.phase.value === 'running';
}

function Bar({ share, color }: { readonly share: number | undefined; readonly color: string }) {
  const known = share !== undefined && Number.isFinite(share);
  return (
    <td>
      {known && <span class="bar" style={{ width: `${100 * share}%`, background: `var(${color})` }} />}
      <span class="bar-text">{known ? formatPercent(share, 0) : '–'}</span>
    </td>
  );
}

function padLabel(): string {
  const index = testDigit.value;
  const test = run.started.value?.test;
  if (index !== undefined && test !== undefined) return `Test digit ${index}: a ${test.labels[index]!}`;
  return strokes.value.length === 0 ? 'Empty pad to draw on' : 'Your drawing';
}

function draw({ context, width, height }: Drawing): void {
  context.fillStyle = token('--sunken');
  context.fillRect(0, 0, width, height);
  const index = testDigit.value;
  if (index !== undefined && image.value !== undefined) {
    const pixel = width / SIDE;
    context.fillStyle = token('--ink');
    image.value.forEach((ink, i) => {
      context.globalAlpha = ink / 255;
      const [x, y] = [i % SIDE, Math.floor(i / SIDE)];
      // Half a pixel more, so that no seams show.
      context.fillRect(x * pixel, y * pixel, pixel + 0.5, pixel + 0.5);
    });
    context.globalAlpha = 1;
    return;
  }
  context.strokeStyle = token('--ink');
  drawStrokes(context, strokes.value, width);
}

function onPointer(event: PointerEvent, { x, y, width, height }: PointerPosition): void {
  const point = [x / width, y / height];
  if (event.type === 'pointerdown') {
    drawing = true;
    (event.currentTarget as Element).setPointerCapture(event.pointerId);
    if (testDigit.value !== undefined) clear();
    strokes.value = [...strokes.value, point];
  } else if (event.type === 'pointermove' && drawing) {
    strokes.value = [...strokes.value.slice(0, -1), [...strokes.value.at(-1)!, ...point]];
  } else if (event.type !== 'pointermove') {
    drawing = false;
  }
}

function clear(): void {
  strokes.value = [];
  testDigit.value = undefined;
}

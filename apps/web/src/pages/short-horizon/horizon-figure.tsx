/** The curves of horizon.ts: expected loss against the constant rate, one curve for each number of steps, with the least of each marked. */
import { useComputed } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import { Canvas } from '../../ui/canvas.js';
import type { Drawing } from '../../ui/canvas.js';
import { formatCount, formatNumber } from '../../ui/format.js';
import { token } from '../../ui/theme.js';
import { HORIZONS, RATES } from './horizon.js';
import type { HorizonCurve } from './horizon.js';

const COLORS = ['--data-6', '--data-5', '--data-3', '--data-4'] as const;
/** In CSS pixels. */
const MARGIN = { left: 52, right: 14, top: 22, bottom: 42 };
/** Losses above this share of the loss now are cut off. */
const TOP = 1.25;

/** A rate that the page has learned, marked on the axis. */
export interface Mark {
  readonly rate: number;
  readonly color: `--${string}`;
}

export interface HorizonFigureProps {
  readonly curves: ReadonlySignal<readonly HorizonCurve[]>;
  readonly marks: ReadonlySignal<readonly Mark[]>;
}

export function HorizonFigure({ curves, marks }: HorizonFigureProps) {
  const label = useComputed(() => inWords(curves.value));
  return (
    <>
      <ul class="legend">
        {HORIZONS.map((horizon, i) => (
          <li key={horizon}>
            <svg width="28" height="8" aria-hidden="true">
              <line x1="0" x2="28" y1="4" y2="4" stroke-width="3" style={{ stroke: `var(${COLORS[i]!})` }} />
            </svg>
            after {formatCount(horizon, 'step')}
            {curves.value.length > 0 && `: ${formatNumber(RATES[curves.value[i]!.best]!, 2)}`}
          </li>
        ))}
      </ul>
      <Canvas ratio={0.56} label={label.value} draw={(drawing) => draw(drawing, curves.value, marks.value)} />
    </>
  );
}

function inWords(curves: readonly HorizonCurve[]): string {
  if (curves.length === 0) return 'Expected loss against the learning rate; nothing has been computed yet.';
  const best = curves.map(
    ({ horizon, best: at, losses }) =>
      `after ${formatCount(horizon, 'step')} the best rate is ${formatNumber(RATES[at]!, 2)}, leaving ${formatNumber(100 * losses[at]!, 2)} % of the loss`,
  );
  return `Expected loss against the constant learning rate, from the weights now: ${best.join('; ')}.`;
}

function draw({ context, width, height }: Drawing, curves: readonly HorizonCurve[], marks: readonly Mark[]) {
  const [low, high] = [Math.log10(RATES[0]!), Math.log10(RATES.at(-1)!)];
  const right = width - MARGIN.right;
  const bottom = height - MARGIN.bottom;
  const x = (rate: number): number =>
    MARGIN.left + ((Math.log10(rate) - low) / (high - low)) * (right - MARGIN.left);
  const y = (loss: number): number => bottom - (loss / TOP) * (bottom - MARGIN.top);
  context.font = `12px ${token('--sans')}`;
  drawAxes();
  for (const { rate, color } of marks) drawMark(rate, token(color));
  context.save();
  context.beginPath();
  context.rect(MARGIN.left, MARGIN.top - 1, right - MARGIN.left, bottom - MARGIN.top + 2);
  context.clip();
  curves.forEach(({ losses }, i) => drawCurve(losses, token(COLORS[i]!)));
  context.restore();
  curves.forEach(({ losses, best }, i) => drawBest(RATES[best]!, losses[best]!, token(COLORS[i]!)));

  function drawAxes(): void {
    context.lineWidth = 1;
    context.fillStyle = token('--ink-soft');
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      line(MARGIN.left, y(share), right, y(share), token(share === 0 ? '--line-strong' : '--grid'));
      context.fillText(`${100 * share} %`, MARGIN.left - 8, y(share));
    }
    context.textAlign = 'center';
    context.textBaseline = 'top';
    for (let exponent = Math.ceil(low); exponent <= high; exponent++) {
      line(x(10 ** exponent), MARGIN.top, x(10 ** exponent), bottom, token('--grid'));
      context.fillText(formatNumber(10 ** exponent), x(10 ** exponent), bottom + 6);
    }
    context.fillText('constant learning rate', (MARGIN.left + right) / 2, bottom + 24);
  }

  function line(x1: number, y1: number, x2: number, y2: number, color: string): void {
    context.strokeStyle = color;
    context.beginPath();
    context.moveTo(x1, Math.round(y1) + 0.5);
    context.lineTo(x2, Math.round(y2) + 0.5);
    context.stroke();
  }

  function drawMark(rate: number, color: string): void {
    if (rate < RATES[0]! || rate > RATES.at(-1)!) return;
    context.lineWidth = 2;
    context.setLineDash([3, 3]);
    line(x(rate), MARGIN.top, x(rate), bottom, color);
    context.setLineDash([]);
    context.fillStyle = color;
    context.textAlign = 'center';
    context.textBaseline = 'bottom';
    context.fillText('learned', x(rate), MARGIN.top - 3);
  }

  function drawCurve(losses: readonly number[], color: string): void {
    context.strokeStyle = color;
    context.lineWidth = 2;
    context.beginPath();
    losses.forEach((loss, i) => context.lineTo(x(RATES[i]!), y(Math.min(loss, 2 * TOP))));
    context.stroke();
  }

  function drawBest(rate: number, loss: number, color: string): void {
    context.fillStyle = color;
    context.strokeStyle = token('--surface');
    context.lineWidth = 2;
    context.beginPath();
    context.arc(x(rate), y(Math.min(loss, TOP)), 5.5, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }
}

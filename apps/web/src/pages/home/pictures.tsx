/** A small drawing for each page, of what is to be seen there. Drawn from the formulas, but for decoration: not data of a run. */
import type { ComponentChildren } from 'preact';
import type { PAGES } from '../../ui/page.js';

type CardId = (typeof PAGES)[number]['id'];

const WIDTH = 240;
const HEIGHT = 120;

export function Picture({ page }: { readonly page: CardId }) {
  const { [page]: Drawing } = DRAWINGS;
  return (
    <svg class="picture" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <Drawing />
    </svg>
  );
}

const DRAWINGS: Readonly<Record<CardId, () => ComponentChildren>> = {
  proximal: Proximal,
  rosenbrock: Rosenbrock,
  mnist: Mnist,
  preconditioner: Preconditioner,
  'short-horizon': ShortHorizon,
};

/** A curve that is pulled to a point, more widely or more narrowly. */
function Proximal() {
  const base = (x: number): number => 78 - 22 * Math.sin(x / 38);
  const curve = (width: number): string =>
    path((x) => base(x) - 34 * Math.exp(-0.5 * ((x - 150) / width) ** 2));
  return (
    <>
      <Line d={path(base)} color="--line-strong" dash="5 4" />
      {[7, 16, 32, 60].map((width, i) => (
        <Line key={width} d={curve(width)} color={i < 2 ? '--data-fixed' : '--data-tuned'} width={1.6} />
      ))}
      <circle cx="150" cy={base(150) - 34} r="5" style={{ fill: 'var(--ink)' }} />
    </>
  );
}

/** Level lines of (1 − x)² + 100 (y − x²)², x in [−1.6, 1.6], y in [−0.6, 2.4], and a way along the valley. */
function Rosenbrock() {
  const px = (x: number): number => (WIDTH * (x + 1.6)) / 3.2;
  const py = (y: number): number => HEIGHT - (HEIGHT * (y + 0.6)) / 3;
  const level = (c: number): string => {
    const [from, to] = [Math.max(-1.7, 1 - Math.sqrt(c)), Math.min(1.7, 1 + Math.sqrt(c))];
    // Closer together at both ends, where the line turns.
    const xs = Array.from(
      { length: 61 },
      (_, i) => from + (to - from) * (0.5 - 0.5 * Math.cos((Math.PI * i) / 60)),
    );
    const branch = (sign: number): string => {
      const points = xs.map((x) => {
        const spread = Math.sqrt(Math.max(0, c - (1 - x) ** 2) / 100);
        return `${px(x).toFixed(1)} ${py(x * x + sign * spread).toFixed(1)}`;
      });
      return `M${points.join('L')}`;
    };
    return branch(1) + branch(-1);
  };
  const way = Array.from({ length: 30 }, (_, i) => {
    const x = -1.15 + (2.15 * i) / 29;
    return `${px(x).toFixed(1)} ${py(x * x + 0.06 * Math.cos(2.2 * i)).toFixed(1)}`;
  });
  return (
    <>
      {[0.4, 1.6, 4, 10, 40, 120].map((c) => (
        <Line key={c} d={level(c)} color="--line-strong" width={1} />
      ))}
      <Line d={`M${way.join('L')}`} color="--data-tuned" width={2.2} />
      <circle cx={px(1)} cy={py(1)} r="4.5" style={{ fill: 'var(--data-tuned)' }} />
    </>
  );
}

/** Two losses. */
function Mnist() {
  const noise = (x: number): number => 2.2 * Math.sin(x * 0.9) + 1.6 * Math.sin(x * 2.3 + 1);
  return (
    <>
      <Line d={path((x) => 24 + 0.06 * x + 0.4 * noise(x))} color="--data-fixed" dash="6 4" width={2.2} />
      <Line
        d={path((x) => 22 + 80 * (1 - Math.exp(-((x / 70) ** 2))) + 0.5 * noise(x + 5))}
        color="--data-tuned"
        width={2.2}
      />
    </>
  );
}

/** A matrix that has learned something off its diagonal. */
function Preconditioner() {
  const side = 10;
  const cell = 10.5;
  const left = (WIDTH - side * cell) / 2;
  return (
    <>
      {Array.from({ length: side * side }, (_, at) => {
        const [row, column] = [Math.floor(at / side), at % side];
        const distance = Math.abs(row - column);
        const value =
          Math.exp(-distance / 1.4) + 0.3 * Math.cos((row + column) * 1.1) * Math.exp(-distance / 4);
        return (
          <rect
            key={at}
            x={left + column * cell}
            y={(HEIGHT - side * cell) / 2 + row * cell}
            width={cell - 1}
            height={cell - 1}
            rx="1.5"
            style={{
              fill: value >= 0 ? 'var(--data-tuned)' : 'var(--data-fixed)',
              opacity: Math.min(1, 0.06 + Math.abs(value)),
            }}
          />
        );
      })}
    </>
  );
}

/** Two learning rates. */
function ShortHorizon() {
  return (
    <>
      <Line
        d={path((x) => 30 - 8 * Math.sin(x / 30) + 6 * Math.exp(-x / 20))}
        color="--data-tuned"
        width={2.2}
      />
      <Line
        d={path((x) => 32 + 76 * (1 - Math.exp(-((x / 95) ** 1.4))) + 1.5 * Math.sin(x / 5))}
        color="--data-fixed"
        dash="6 4"
        width={2.2}
      />
    </>
  );
}

interface LineProps {
  readonly d: string;
  readonly color: `--${string}`;
  readonly width?: number;
  readonly dash?: string;
}

function Line({ d, color, width = 1.5, dash }: LineProps) {
  return (
    <path
      d={d}
      fill="none"
      stroke-width={width}
      stroke-linejoin="round"
      stroke-linecap="round"
      style={{ stroke: `var(${color})`, strokeDasharray: dash ?? 'none' }}
    />
  );
}

/** The graph of a function of the horizontal position, both in units of the picture. */
function path(height: (x: number) => number): string {
  const points = Array.from({ length: WIDTH / 2 + 1 }, (_, i) => `${2 * i} ${height(2 * i).toFixed(1)}`);
  return `M${points.join('L')}`;
}

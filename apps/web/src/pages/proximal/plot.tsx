/** One panel: the function before the step, the family of functions after it, the examples, and a handle for the one that is the batch. SVG, so that it stays sharp and the handle is an element. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Drawing, PanelCurves } from './family.js';
import { DOMAIN } from './features.js';
import { EXAMPLES } from './regression.js';
import { TARGET_RANGE } from './settings.js';

/** In CSS pixels. */
const MARGIN = { left: 34, right: 10, top: 10, bottom: 26 };
const Y_RANGE = [-2.5, 2.75] as const;

/** Which example is the batch, and its target. */
export interface Target {
  readonly point: number;
  readonly y: number;
}

export interface HandleProps extends Target {
  /** Moves it from where it is when the call comes. Without it the panel only shows where the target is. */
  readonly onMove?: (move: (now: Target) => Target) => void;
}

export interface PlotProps {
  readonly drawing: Drawing;
  readonly curves: PanelCurves;
  readonly handle: HandleProps;
  /** Height over width. */
  readonly ratio: number;
  readonly label: string;
}

interface Frame {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly valueAt: (y: number) => number;
  readonly width: number;
  readonly height: number;
}

function frameOf([width, height]: readonly [number, number]): Frame {
  const across = width - MARGIN.left - MARGIN.right;
  const down = height - MARGIN.top - MARGIN.bottom;
  const [low, high] = Y_RANGE;
  return {
    width,
    height,
    x: (value) => MARGIN.left + ((value - DOMAIN[0]) / (DOMAIN[1] - DOMAIN[0])) * across,
    y: (value) => MARGIN.top + ((high - value) / (high - low)) * down,
    valueAt: (y) => high - ((y - MARGIN.top) / down) * (high - low),
  };
}

/** As wide as its place, so that lines and letters have one size on every screen. */
export function Plot({ drawing, curves, handle, ratio, label }: PlotProps) {
  const id = useId();
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = place.current!;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return (
    <div class="plot" ref={place} style={{ aspectRatio: `${1 / ratio}` }}>
      {width > 0 && (
        <Panel
          {...{ id, drawing, curves, handle, label }}
          frame={frameOf([width, Math.round(width * ratio)])}
        />
      )}
    </div>
  );
}

function Panel({
  id,
  frame,
  drawing,
  curves,
  handle,
  label,
}: Omit<PlotProps, 'ratio'> & { readonly id: string; readonly frame: Frame }) {
  const path = (values: readonly number[]): string =>
    values
      .map((v, i) => `${i === 0 ? 'M' : 'L'}${frame.x(drawing.xs[i]!).toFixed(1)} ${frame.y(v).toFixed(1)}`)
      .join('');
  const last = curves.family.length - 1;
  return (
    <svg width={frame.width} height={frame.height} role={handle.onMove ? 'group' : 'img'} aria-label={label}>
      <clipPath id={id}>
        <rect
          x={frame.x(DOMAIN[0])}
          y={frame.y(Y_RANGE[1])}
          width={frame.x(DOMAIN[1]) - frame.x(DOMAIN[0])}
          height={frame.y(Y_RANGE[0]) - frame.y(Y_RANGE[1])}
        />
      </clipPath>
      <Axes frame={frame} />
      <g clip-path={`url(#${id})`} fill="none">
        {curves.family.map(({ values, lambda }, i) => (
          <path
            key={lambda}
            class="family-curve"
            style={{ '--along': `${(100 * i) / last}%` }}
            d={path(values)}
          />
        ))}
        <path class="before-curve" d={path(drawing.before)} />
        {handle.onMove !== undefined && <path class="chosen-halo" d={path(curves.chosen.values)} />}
        <path
          class={handle.onMove === undefined ? 'chosen-curve chosen-shown' : 'chosen-curve'}
          d={path(curves.chosen.values)}
        />
      </g>
      <Examples frame={frame} {...handle} />
    </svg>
  );
}

function Axes({ frame }: { readonly frame: Frame }) {
  const line = (key: string, x1: number, x2: number, y1: number, y2: number): ComponentChildren => (
    <line key={key} class="grid-line" x1={x1} x2={x2} y1={y1} y2={y2} />
  );
  const [left, right] = DOMAIN.map(frame.x) as [number, number];
  const [bottom, top] = Y_RANGE.map(frame.y) as [number, number];
  return (
    <g aria-hidden="true">
      {[-3, -2, -1, 0, 1, 2, 3].map((x) => line(`x${x}`, frame.x(x), frame.x(x), top, bottom))}
      {[-2, -1, 0, 1, 2].map((y) => line(`y${y}`, left, right, frame.y(y), frame.y(y)))}
      {[-2, 0, 2].map((x) => (
        <text key={x} class="tick" x={frame.x(x)} y={frame.height - 8} text-anchor="middle">
          {String(x).replace('-', '−')}
        </text>
      ))}
      {[-2, 0, 2].map((y) => (
        <text key={y} class="tick" x={left - 8} y={frame.y(y) + 4} text-anchor="end">
          {String(y).replace('-', '−')}
        </text>
      ))}
    </g>
  );
}

/** The change of the target by one press of an arrow key, and of Page Up or Page Down. */
const STEP = 0.05;
const PAGE = 0.5;

function Examples({ frame, point, y, onMove }: HandleProps & { readonly frame: Frame }) {
  const root = useRef<SVGGElement>(null);
  const interactive = onMove !== undefined;
  const [low, high] = TARGET_RANGE;
  const legal = (value: number): number => Math.round(100 * Math.min(high, Math.max(low, value))) / 100;

  const targetUnder = (event: PointerEvent): number => {
    const { top } = root.current!.ownerSVGElement!.getBoundingClientRect();
    return legal(frame.valueAt(event.clientY - top));
  };
  const grab = (index: number) => (event: PointerEvent & { readonly currentTarget: Element }) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    const y = targetUnder(event);
    onMove?.(() => ({ point: index, y }));
  };
  const drag = (event: PointerEvent & { readonly currentTarget: Element }): void => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const y = targetUnder(event);
    onMove?.((now) => ({ ...now, y }));
  };
  const press = (event: KeyboardEvent): void => {
    const move = MOVES[event.key];
    if (move === undefined) return;
    event.preventDefault();
    onMove?.((now) => {
      const { point: index, y: target } = move(now);
      return { point: Math.min(EXAMPLES.length - 1, Math.max(0, index)), y: legal(target) };
    });
  };

  const chosen = EXAMPLES[point]!;
  const at = { cx: frame.x(chosen.x), cy: frame.y(y) };
  return (
    <g ref={root}>
      {EXAMPLES.map((example, index) => (
        <g key={example.x} class={index === point ? 'example example-moved' : 'example'} aria-hidden="true">
          <circle cx={frame.x(example.x)} cy={frame.y(example.y)} r="3.5" />
          {interactive && (
            <circle
              class="example-reach"
              cx={frame.x(example.x)}
              cy={frame.y(example.y)}
              r="11"
              data-example={index}
              onPointerDown={grab(index)}
              onPointerMove={drag}
            />
          )}
        </g>
      ))}
      <line class="handle-rail" x1={at.cx} x2={at.cx} y1={frame.y(chosen.y)} y2={at.cy} aria-hidden="true" />
      {interactive ? (
        <circle
          class="handle"
          {...at}
          r="8"
          role="slider"
          tabindex={0}
          aria-orientation="vertical"
          aria-label={`Target of the example at x = ${chosen.x.toFixed(1)}; left and right choose another example`}
          aria-valuemin={low}
          aria-valuemax={high}
          aria-valuenow={y}
          aria-valuetext={y.toFixed(2)}
          data-testid="handle"
          onPointerDown={grab(point)}
          onPointerMove={drag}
          onKeyDown={press}
        />
      ) : (
        <circle class="handle handle-shown" {...at} r="5.5" aria-hidden="true" />
      )}
    </g>
  );
}

/** What a key does, before the result is kept in range. */
const MOVES: Readonly<Record<string, (now: Target) => Target>> = {
  ArrowUp: ({ point, y }) => ({ point, y: y + STEP }),
  ArrowDown: ({ point, y }) => ({ point, y: y - STEP }),
  PageUp: ({ point, y }) => ({ point, y: y + PAGE }),
  PageDown: ({ point, y }) => ({ point, y: y - PAGE }),
  Home: ({ point }) => ({ point, y: -Infinity }),
  End: ({ point }) => ({ point, y: Infinity }),
  ArrowLeft: ({ point, y }) => ({ point: point - 1, y }),
  ArrowRight: ({ point, y }) => ({ point: point + 1, y }),
};

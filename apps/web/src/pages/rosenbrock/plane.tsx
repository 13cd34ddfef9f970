/** The plane: contour lines, the paths of the racers, and P as an ellipse where the pointer is and where its racer is. A click chooses the start. */
import { signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import { useCallback } from 'preact/hooks';
import { Canvas } from '../../ui/canvas.js';
import type { Drawing } from '../../ui/canvas.js';
import { token } from '../../ui/theme.js';
import { axes, inverseGaussNewton, MINIMUM, WINDOW } from './landscape.js';
import type { Point, Symmetric } from './landscape.js';
import { LOOKS } from './racer-looks.js';
import { RACERS } from './entrants.js';
import type { RacerId } from './entrants.js';
import type { Race } from './run.js';
import { contoursOf, fromPixels, toPixels, valleyFloor } from './terrain.js';
import type { Contour } from './terrain.js';
import type { Track } from './track.js';

export interface PlaneProps {
  readonly race: ReadonlySignal<Race>;
  /** The angle now; the race of another angle is not drawn. */
  readonly rotation: ReadonlySignal<number>;
  readonly onStart: (place: Point) => void;
  readonly label: string;
}

/** Points of a path: more would be closer than pixels. */
const PATH_POINTS = 2500;

const pointer = signal<Point | undefined>(undefined);

type MouseAt = MouseEvent & { readonly currentTarget: HTMLElement };

export function Plane({ race, rotation, onStart, label }: PlaneProps) {
  const drawAll = useCallback((drawing: Drawing) => draw(drawing, race, rotation), [race, rotation]);
  const place = (event: MouseAt): Point => {
    const { left, top, width } = event.currentTarget.getBoundingClientRect();
    return fromPixels([event.clientX - left, event.clientY - top], width);
  };
  return (
    <div
      class="plane"
      data-testid="plane"
      onClick={(event) => onStart(place(event))}
      onPointerMove={(event) => (pointer.value = place(event))}
      onPointerLeave={() => (pointer.value = undefined)}
    >
      <Canvas ratio={1} label={label} draw={drawAll} />
    </div>
  );
}

function draw(
  { context, width: size }: Drawing,
  race: PlaneProps['race'],
  rotation: PlaneProps['rotation'],
): void {
  const degrees = rotation.value;
  drawTerrain(context, size, degrees);
  const { track, settings } = race.value;
  if (settings.rotation === degrees) {
    for (const id of RACERS) drawPath(context, size, track, id);
    const start = track.at('full', 0);
    if (start !== undefined) drawStart(context, toPixels(start.place, size));
  }
  drawMinimum(context, toPixels(MINIMUM, size));
  for (const id of ['diagonal', 'full'] as const) {
    const now = track.latest(id);
    if (now === undefined || settings.rotation !== degrees) continue;
    drawEllipse(context, size, now.place, now.matrix, token(LOOKS[id].color), [], 0.9);
    if (pointer.value !== undefined)
      drawEllipse(context, size, pointer.value, now.matrix, token(LOOKS[id].color), [], 1);
  }
  if (pointer.value !== undefined) {
    const ideal = inverseGaussNewton(pointer.value, degrees);
    drawEllipse(context, size, pointer.value, ideal, token('--ink'), [2, 4], 1);
  }
}

/** The contour lines of the last angle, size and theme that were asked for, in device pixels. */
let terrain: { readonly key: string; readonly image: HTMLCanvasElement } | undefined;
let lines: { readonly degrees: number; readonly contours: readonly Contour[] } | undefined;

function drawTerrain(context: CanvasRenderingContext2D, size: number, degrees: number): void {
  const ink = token('--ink');
  const key = [degrees, size, devicePixelRatio, ink].join();
  if (terrain?.key !== key) terrain = { key, image: paintedTerrain(size, degrees, ink) };
  context.drawImage(terrain.image, 0, 0, size, size);
}

function paintedTerrain(size: number, degrees: number, ink: string): HTMLCanvasElement {
  if (lines?.degrees !== degrees) lines = { degrees, contours: contoursOf(degrees) };
  const image = document.createElement('canvas');
  image.width = image.height = Math.round(size * devicePixelRatio);
  const context = image.getContext('2d')!;
  context.scale(devicePixelRatio, devicePixelRatio);
  context.fillStyle = context.strokeStyle = ink;
  for (const { rings } of lines.contours) {
    context.beginPath();
    for (const ring of rings) {
      moveAlong(
        context,
        ring.map(([x, y]) => [x * size, y * size]),
      );
      context.closePath();
    }
    // Each level lies on top of the ones below it, so the slopes darken uphill.
    context.globalAlpha = 0.035;
    context.fill('evenodd');
    context.globalAlpha = 0.16;
    context.stroke();
  }
  context.globalAlpha = 0.4;
  context.setLineDash([1, 5]);
  strokeLine(
    context,
    valleyFloor(degrees).map((place) => toPixels(place, size)),
  );
  return image;
}

function drawPath(context: CanvasRenderingContext2D, size: number, track: Track, id: RacerId): void {
  const color = token(LOOKS[id].color);
  const moments = track.sampled(PATH_POINTS).map((step) => track.at(id, step));
  const points = moments.flatMap((moment) => (moment === undefined ? [] : [toPixels(moment.place, size)]));
  if (points.length === 0) return;
  context.strokeStyle = color;
  context.lineJoin = 'round';
  context.lineWidth = id === 'full' ? 2.2 : 1.6;
  context.globalAlpha = 0.9;
  strokeLine(context, points);
  context.globalAlpha = 1;
  const [x, y] = points.at(-1)!;
  context.fillStyle = color;
  context.strokeStyle = token('--surface');
  context.lineWidth = 2;
  context.beginPath();
  context.arc(x, y, 5.5, 0, 2 * Math.PI);
  context.fill();
  context.stroke();
}

function strokeLine(context: CanvasRenderingContext2D, points: readonly Point[]): void {
  context.beginPath();
  moveAlong(context, points);
  context.stroke();
}

function moveAlong(context: CanvasRenderingContext2D, points: readonly Point[]): void {
  points.forEach(([x, y], i) => (i === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
}

/** {δ : δᵀP⁻¹δ = 1} about a place: how far P lets a step go in each direction. */
function drawEllipse(
  context: CanvasRenderingContext2D,
  size: number,
  place: Point,
  matrix: Symmetric,
  color: string,
  dash: readonly number[],
  opacity: number,
): void {
  const { large, small, angle } = axes(matrix);
  const scale = size / (WINDOW.high - WINDOW.low);
  const [x, y] = toPixels(place, size);
  context.beginPath();
  // The vertical axis of the canvas points downwards.
  context.ellipse(
    x,
    y,
    Math.sqrt(large) * scale,
    Math.sqrt(Math.max(small, 0)) * scale,
    -angle,
    0,
    2 * Math.PI,
  );
  context.strokeStyle = color;
  context.lineWidth = 1.6;
  context.globalAlpha = opacity;
  context.setLineDash([...dash]);
  context.stroke();
  context.setLineDash([]);
  context.globalAlpha = 1;
}

function drawStart(context: CanvasRenderingContext2D, [x, y]: Point): void {
  context.beginPath();
  context.arc(x, y, 4.5, 0, 2 * Math.PI);
  context.fillStyle = token('--surface');
  context.fill();
  context.strokeStyle = token('--ink');
  context.lineWidth = 2;
  context.stroke();
}

function drawMinimum(context: CanvasRenderingContext2D, [x, y]: Point): void {
  const arm = 6;
  context.strokeStyle = token('--ink');
  context.lineWidth = 2;
  strokeLine(context, [
    [x - arm, y - arm],
    [x + arm, y + arm],
  ]);
  strokeLine(context, [
    [x - arm, y + arm],
    [x + arm, y - arm],
  ]);
}

/** A canvas that is as sharp as the screen, as wide as its place, and drawn again when its size, the theme or what it shows changes. */
import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { redrawWithTheme } from './theme.js';

/** What a drawing gets: a context in CSS pixels, already cleared, and the size in CSS pixels. */
export interface Drawing {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
}

export interface CanvasProps {
  /** Reads signals, and is called again when they change. Colours: `token('--data-tuned')`. */
  readonly draw: (drawing: Drawing) => void;
  /** Height over width. Default 0.6. */
  readonly ratio?: number;
  /** The drawing in words. */
  readonly label: string;
  readonly onPointer?: (event: PointerEvent, at: PointerPosition) => void;
}

/** In CSS pixels from the top left corner of the canvas, with its size. */
export interface PointerPosition {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export function Canvas({ draw, ratio = 0.6, label, onPointer }: CanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useSignal(0);
  const latest = useSignal(draw);
  latest.value = draw;

  useEffect(() => {
    const element = canvas.current!;
    const observer = new ResizeObserver(() => (width.value = element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useSignalEffect(() => {
    redrawWithTheme();
    const element = canvas.current;
    if (element === null || width.value === 0) return;
    const height = Math.round(width.value * ratio);
    const scale = devicePixelRatio;
    element.width = Math.round(width.value * scale);
    element.height = Math.round(height * scale);
    const context = element.getContext('2d')!;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    latest.value({ context, width: width.value, height });
  });

  const report = (event: PointerEvent): void => {
    const { left, top, width: across, height: down } = canvas.current!.getBoundingClientRect();
    onPointer?.(event, { x: event.clientX - left, y: event.clientY - top, width: across, height: down });
  };
  return (
    <canvas
      ref={canvas}
      role="img"
      aria-label={label}
      style={{
        display: 'block',
        width: '100%',
        aspectRatio: `${1 / ratio}`,
        touchAction: onPointer ? 'none' : 'auto',
      }}
      {...(onPointer !== undefined && {
        onPointerDown: report,
        onPointerMove: report,
        onPointerUp: report,
        onPointerCancel: report,
        onPointerLeave: report,
      })}
    />
  );
}

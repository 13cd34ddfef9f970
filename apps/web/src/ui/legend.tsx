/** What the lines of a figure mean: a stroke in the line's own colour and dash, and a name. */

export interface LegendItem {
  readonly label: string;
  /** A colour token, such as `--data-tuned`. */
  readonly color: `--${string}`;
  /** Lengths of strokes and gaps in pixels, as the chart has them. */
  readonly dash?: readonly number[];
}

export function Legend({ items }: { readonly items: readonly LegendItem[] }) {
  return (
    <ul class="legend">
      {items.map(({ label, color, dash = [] }) => (
        <li key={label}>
          <svg width="28" height="8" aria-hidden="true">
            <line
              x1="0"
              x2="28"
              y1="4"
              y2="4"
              stroke-width="3"
              style={{ stroke: `var(${color})`, strokeDasharray: dash.join(' ') }}
            />
          </svg>
          {label}
        </li>
      ))}
    </ul>
  );
}

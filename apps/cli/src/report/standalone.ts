/** A figure as an SVG file of its own: the legend drawn in, colours for light and dark, an opaque ground, no fonts from elsewhere. */
import { seriesColor } from './figure.js';
import { escapeHtml } from './html.js';
import { colors } from './style.js';

const WIDTH = 860;
const MARGIN = 16;
const LINE = 22;
/** Pixels of a character at this size, to the wide side: the legend must not overlap where the reader's font is wider. */
const CHARACTER = 7.5;
const KEY = 24;

/** @param figure What `render` gave, 860 pixels wide. @param names Of the curves, in the order of their colours. */
export function standaloneFigure(figure: string, names: readonly string[], title: string): string {
  const { keys, rows } = legend(names);
  const top = MARGIN + LINE * (1 + rows);
  const height = top + Number(/\bheight="(\d+)"/.exec(figure)?.[1] ?? 320) + MARGIN / 2;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escapeHtml(title)}">
<style>${colors}
text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: var(--ink); }
.figure { color: var(--muted); }
.figure text { fill: var(--muted); }</style>
<rect width="${WIDTH}" height="${height}" fill="var(--card)"/>
<text x="${MARGIN}" y="${MARGIN + 12}" style="font-weight: 600">${escapeHtml(title)}</text>
${keys.join('\n')}
<g class="figure" transform="translate(0 ${top})">${figure}</g>
</svg>
`;
}

/** A dash of the curve's colour and its name, from left to right, in as many rows as it takes. */
function legend(names: readonly string[]): { readonly keys: string[]; readonly rows: number } {
  let [x, row] = [MARGIN, 1];
  const keys = names.map((name, i) => {
    const width = KEY + CHARACTER * name.length + 18;
    if (x > MARGIN && x + width > WIDTH - MARGIN) [x, row] = [MARGIN, row + 1];
    const y = MARGIN + 12 + LINE * row;
    const key = `<path d="M${x} ${y - 4}h18" stroke="${seriesColor(i)}" stroke-width="3"/><text x="${x + KEY}" y="${y}">${escapeHtml(name)}</text>`;
    x += width;
    return key;
  });
  return { keys, rows: names.length === 0 ? 0 : row };
}

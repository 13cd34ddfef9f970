/** The frame of a report: one HTML file that asks for nothing else, its head, its tiles and its sections. */
import { seriesColor } from './figure.js';
import { escapeHtml } from './html.js';
import { style } from './style.js';

export function page(title: string, parts: readonly string[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
${parts.filter((part) => part !== '').join('\n')}
<footer>Written by apo. Amortized Proximal Optimization: arXiv 2203.00089.</footer>
</main>
</body>
</html>
`;
}

export function header(title: string, facts: string, failure: string | undefined): string {
  const failed = failure === undefined ? '' : `<p class="failed">Failed: ${escapeHtml(failure)}</p>`;
  return `<header><h1>${escapeHtml(title)}</h1><p class="muted">${escapeHtml(facts)}</p>${failed}</header>`;
}

/** Numbers in large type: name and value. */
export function tileRow(values: readonly (readonly [string, string])[]): string {
  const tile = ([name, value]: readonly [string, string]): string =>
    `<div class="tile"><div class="value">${escapeHtml(value)}</div><div class="name">${escapeHtml(name)}</div></div>`;
  return `<div class="tiles">${values.map(tile).join('')}</div>`;
}

/** A titled figure with a legend of `names`; nothing where there is no figure. */
export function section(
  title: string,
  note: string,
  figure: string | undefined,
  names: readonly string[],
): string {
  if (figure === undefined) return '';
  const keys = names.map((name, i) => `<span style="--key:${seriesColor(i)}">${escapeHtml(name)}</span>`);
  const legend = keys.length === 0 ? '' : `<div class="legend">${keys.join('')}</div>`;
  return `<section><h2>${escapeHtml(title)}</h2><p class="muted">${escapeHtml(note)}</p>${legend}<figure>${figure}</figure></section>`;
}

/** The report of `apo verify`: every claim of the theory with what was compared, how far the two sides are apart, and what to know of it. */
import type { Check } from '@apo/baselines';
import { countText, errorText } from '../verify/groups.js';
import type { CheckGroup } from '../verify/groups.js';
import { header, page, section, tileRow } from './document.js';
import { dataTable, escapeHtml } from './html.js';
import { seriesFigure } from './series-figure.js';

export interface VerifyFacts {
  readonly engine: string;
  readonly seed: number;
  readonly seconds: number;
}

export function verifyReport(groups: readonly CheckGroup[], { engine, seed, seconds }: VerifyFacts): string {
  const checks = groups.flatMap((group) => group.checks);
  const failed = checks.filter(({ passed }) => !passed);
  const failure =
    failed.length === 0 ? undefined : `${failed.map(({ name }) => name).join('; ')}. See below.`;
  return page('The theory, checked by computation', [
    header('The theory, checked by computation', `seed ${seed} · ${engine} engine`, failure),
    tileRow([
      ['checks that hold', `${checks.length - failed.length} / ${checks.length}`],
      ['seconds', seconds.toFixed(1)],
    ]),
    ...groups.map(groupSection),
    ...seriesSections(checks),
  ]);
}

function groupSection(group: CheckGroup): string {
  const { title, checks } = group;
  const table = dataTable(
    ['claim', 'error', 'at most', 'outcome'],
    checks.map(({ name, error, tolerance, passed }) => [
      name,
      errorText(error),
      errorText(tolerance),
      passed ? 'holds' : 'FAILS',
    ]),
  );
  const details = byText(checks).map(
    ([text, names]) =>
      `<p class="muted"><strong>${escapeHtml(names.join('; '))}</strong>: ${escapeHtml(text)}</p>`,
  );
  return `<section><h2>${escapeHtml(title)}</h2><p class="muted">${escapeHtml(countText([group]))}.</p>${table}<details><summary>What was compared</summary>${details.join('\n')}</details></section>`;
}

/** What was compared and what to know of it, with the claims of which the same is said. */
function byText(checks: readonly Check[]): (readonly [string, readonly string[]])[] {
  const names = new Map<string, string[]>();
  for (const { name, compared, note } of checks) {
    const text = `${compared}.${note === undefined ? '' : ` ${note}`}`;
    names.set(text, [...(names.get(text) ?? []), name]);
  }
  return [...names];
}

/** Measurements that share their axes share a figure. */
function seriesSections(checks: readonly Check[]): string[] {
  const figures = new Map<string, Required<Pick<Check, 'name' | 'series'>>[]>();
  for (const { name, series } of checks) {
    if (series === undefined) continue;
    const axes = `${series.yLabel} by ${series.xLabel}`;
    figures.set(axes, [...(figures.get(axes) ?? []), { name, series }]);
  }
  return [...figures].map(([axes, drawn]) =>
    section(
      `${axes.charAt(0).toUpperCase()}${axes.slice(1)}`,
      'The measurements behind the checks above, both axes logarithmic.',
      seriesFigure(
        axes,
        drawn.map(({ series }) => series),
      ),
      drawn.map(({ name }) => name),
    ),
  );
}

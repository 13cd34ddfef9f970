import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { metrics, summary } from '../testing/runs.js';
import { comparisonReport, runReport } from './page.js';

const elements = (html: string, selector: string): Element[] =>
  Array.from(parseHTML(html).document.querySelectorAll(selector) as Iterable<Element>);

const text = (html: string, selector: string): string[] =>
  elements(html, selector).map((element) => element.textContent);

/** What a browser would load, and what would run. */
function requireSelfContained(html: string): void {
  // The names of XML namespaces are not addresses.
  const withoutNamespaces = html.replace(/xmlns(:xlink)?="[^"]*"/g, '');
  expect(withoutNamespaces).not.toMatch(/https?:|\/\/[a-z]/i);
  expect(withoutNamespaces).not.toMatch(/@import|url\(|src=|srcset=/i);
  expect(elements(html, 'script, link, img, iframe, object, embed')).toEqual([]);
}

describe('runReport', () => {
  const html = runReport({ summary: summary(), metrics: metrics() });

  it('asks for nothing outside the file', () => {
    requireSelfContained(html);
  });

  it('follows the preference for light or dark', () => {
    expect(html).toContain('color-scheme: light dark');
    expect(html).toContain('@media (prefers-color-scheme: dark)');
  });

  it('has curves of loss, learning rate, the meta-objective and accuracy', () => {
    expect(elements(html, 'figure svg').map((svg) => svg.getAttribute('aria-label'))).toEqual([
      'Training loss by step',
      'Learning rate by step, meta-steps marked',
      'Test accuracy by step',
      'The meta-objective and its terms by step',
    ]);
    for (const svg of elements(html, 'figure svg')) {
      const paths = Array.from(svg.querySelectorAll('path[d]'));
      expect(paths.length).toBeGreaterThan(0);
      expect(svg.outerHTML).not.toContain('NaN');
    }
  });

  it('marks accepted and rejected meta-steps', () => {
    const [, rates] = elements(html, 'figure svg');
    // Three accepted ones are dots, the rejected one is a cross, which Plot draws as a path with a stroke.
    expect(rates!.querySelectorAll('circle').length).toBe(3);
    expect(rates!.querySelectorAll('g[aria-label="dot"] path').length).toBe(1);
  });

  it('shows results and options', () => {
    const rows = Object.fromEntries(
      elements(html, 'table.definition tr').map((row) => [
        row.querySelector('th')!.textContent,
        row.querySelector('td')!.textContent,
      ]),
    );
    expect(rows).toMatchObject({
      'training loss (first 10,000 examples)': '0.125',
      'test accuracy': '87.50 %',
      'meta-steps': '4',
      'rejected meta-steps': '1',
      lambdaFsd: '0.3',
      calibrate: 'yes',
    });
    expect(text(html, 'h1')).toEqual(['digits · sgd-apo']);
    expect(html).not.toContain('Failed:');
  });

  it('says why a run failed, and stands a run without any finite number', () => {
    const failed = summary({ trainLoss: null, failed: true, reason: 'The loss became NaN at step 1.' });
    const empty = runReport({ summary: failed, metrics: [{ step: 1, loss: null, learningRate: null }] });
    expect(text(empty, '.failed')).toEqual(['Failed: The loss became NaN at step 1.']);
    expect(elements(empty, 'svg')).toEqual([]);
    expect(text(empty, '.tile .value')[0]).toBe('not finite');
  });
});

describe('comparisonReport', () => {
  const name = 'a < b & "c"';
  const html = comparisonReport('Rates', [
    { name, summary: summary(), metrics: metrics() },
    {
      name: 'fixed',
      summary: summary({ optimizer: 'sgd', metaSteps: 0, rejected: 0 }),
      metrics: metrics(0.01),
    },
  ]);

  it('asks for nothing outside the file', () => {
    requireSelfContained(html);
  });

  it('shows the loss over the seconds of training where every run has its time', () => {
    const label = 'svg[aria-label="Training loss by training time"]';
    expect(elements(html, label)).toHaveLength(1);
    // The axis ends at the longest run's last step times its seconds per step: 1/10 of it at ten times the speed.
    const timed = (stepsPerSecond: number): string =>
      comparisonReport('T', [{ name: 'a', summary: summary({ stepsPerSecond }), metrics: metrics() }]);
    const ticks = (page: string): number[] =>
      text(page, `${label} [aria-label^="x-axis tick label"] text`).map((tick) =>
        Number(tick.replaceAll(',', '')),
      );
    const [slow, fast] = [ticks(timed(1)), ticks(timed(10))];
    expect(Math.max(...slow)).toBeGreaterThan(0);
    expect(Math.max(...slow)).toBeCloseTo(10 * Math.max(...fast), 6);
    expect(elements(timed(0), label)).toHaveLength(0);
  });

  it('has a row a run and a legend in the colours of the curves, with names escaped', () => {
    expect(text(html, 'table.data tbody th').slice(0, 2)).toEqual([name, 'fixed']);
    expect(html).toContain('a &lt; b &amp; &quot;c&quot;');
    const keys = elements(html, 'section:nth-of-type(2) .legend span').map((span) =>
      span.getAttribute('style'),
    );
    expect(keys).toEqual(['--key:var(--series-1)', '--key:var(--series-2)']);
    const [loss] = elements(html, 'figure svg');
    for (const key of ['var(--series-1)', 'var(--series-2)'])
      expect(loss!.outerHTML).toContain(`stroke="${key}"`);
  });
});

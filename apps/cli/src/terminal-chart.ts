/** Curves of several runs as text, on a logarithmic scale (asciichart). */
import asciichart from 'asciichart';
import { pointsOf, resample, smooth } from './series.js';
import type { RunCurves } from './series.js';

const palette = ['blue', 'yellow', 'green', 'magenta', 'cyan', 'red'] as const;
const RESET = '\u001b[0m';

export interface TerminalChartOptions {
  /** Characters a line may have. */
  readonly columns: number;
  readonly rows: number;
  readonly color: boolean;
}

/**
 * A chart of `field` (a positive quantity) over the steps, with a legend; without colours, the curves are made of letters.
 * Empty when no run has a positive value.
 */
export function terminalChart(
  title: string,
  runs: readonly RunCurves[],
  field: 'loss' | 'learningRate',
  { columns, rows, color }: TerminalChartOptions,
): string {
  const width = Math.max(10, columns - 12);
  const curves = runs.flatMap(({ name, metrics }) => {
    const logs = pointsOf(metrics, field)
      .filter((p) => p.value > 0)
      .map((p) => ({ step: p.step, value: Math.log10(p.value) }));
    const steps = logs.at(-1)?.step;
    if (steps === undefined) return [];
    const window = field === 'loss' ? Math.max(1, Math.round(logs.length / 20)) : 1;
    return [{ name, steps, values: resample(smooth(logs, window), width) }];
  });
  if (curves.length === 0) return '';
  const all = curves.flatMap((c) => c.values);
  // A flat range has no scale of its own: give it a factor of two each way.
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const [min, max] = high - low < 0.05 ? [low - 0.3, high + 0.3] : [low, high];
  const format = (log: number): string => (10 ** log).toPrecision(2).padStart(9);
  const steps = Math.max(...curves.map((c) => c.steps));
  const heading = `${title} (log scale, steps 1 to ${steps})`;
  const bounds = { height: rows, min, max, format };
  if (!color) {
    const letters = curves.map((_, i) => String.fromCharCode('A'.charCodeAt(0) + i));
    const legend = curves.map(({ name }, i) => `${letters[i]!} ${name}`).join('   ');
    const charts = curves.map(({ values }) => asciichart.plot([values], bounds));
    return `${heading}\n${legend}\n${overlay(charts, letters)}`;
  }
  const colors = curves.map((_, i) => asciichart[palette[i % palette.length]!]);
  const legend = curves.map(({ name }, i) => `${colors[i]!}── ${name}${RESET}`).join('   ');
  const chart = asciichart.plot(
    curves.map((c) => c.values),
    { ...bounds, colors },
  );
  return `${heading}\n${legend}\n${chart}`;
}

/** Charts of the same size on top of each other, the curve of each drawn in its letter. */
function overlay(charts: readonly string[], letters: readonly string[]): string {
  const layers = charts.map((chart) => chart.split('\n').map((row) => Array.from(row)));
  return layers[0]!
    .map((row, y) => {
      const axis = row.findIndex((cell) => cell === '┤' || cell === '┼');
      const label = `${row.slice(0, axis).join('')}┤`;
      const width = Math.max(...layers.map((layer) => layer[y]!.length));
      const cells = Array.from({ length: width - axis - 1 }, (_, x) => {
        const top = layers.findLastIndex((layer) => (layer[y]![axis + 1 + x] ?? ' ') !== ' ');
        return top === -1 ? ' ' : letters[top]!;
      });
      return `${label}${cells.join('')}`.trimEnd();
    })
    .join('\n');
}

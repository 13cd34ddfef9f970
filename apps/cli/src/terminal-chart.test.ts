import { describe, expect, it } from 'vitest';
import { terminalChart } from './terminal-chart.js';
import { metrics } from './testing/runs.js';

const size = { columns: 60, rows: 6, color: false };
const flat = (learningRate: number): { step: number; loss: number; learningRate: number }[] =>
  [1, 2, 3].map((step) => ({ step, loss: 1, learningRate }));

describe('terminalChart', () => {
  it('draws each run in a letter of its own, between the extremes', () => {
    const runs = [
      { name: 'low', metrics: flat(1e-3) },
      { name: 'high', metrics: flat(1e-1) },
    ];
    const [heading, legend, ...rows] = terminalChart('learning rate', runs, 'learningRate', size).split('\n');
    expect(heading).toBe('learning rate (log scale, steps 1 to 3)');
    expect(legend).toBe('A low   B high');
    expect(rows[0]).toMatch(/^ *0\.10 ┤B+$/);
    expect(rows.at(-1)).toMatch(/^ *0\.0010 ┤A+$/);
    expect(rows.slice(1, -1).join('')).not.toMatch(/[AB]/);
    for (const row of rows) expect(row.length).toBeLessThanOrEqual(size.columns);
  });

  it('uses colours where there are some', () => {
    const chart = terminalChart('loss', [{ name: 'one', metrics: metrics() }], 'loss', {
      ...size,
      color: true,
    });
    expect(chart).toContain('\u001b[34m── one\u001b[0m');
    expect(chart).not.toContain('A one');
  });

  it('draws a constant, and nothing where nothing is positive', () => {
    const chart = terminalChart(
      'learning rate',
      [{ name: 'one', metrics: flat(0.01) }],
      'learningRate',
      size,
    );
    expect(chart).toMatch(/┤A+$/m);
    const none = [{ name: 'none', metrics: [{ step: 1, loss: null, learningRate: 0.1 }] }];
    expect(terminalChart('loss', none, 'loss', size)).toBe('');
  });
});

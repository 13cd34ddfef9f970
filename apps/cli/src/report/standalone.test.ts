import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { render } from './figure.js';
import { standaloneFigure } from './standalone.js';

const figure = render({ height: 200 }, 'nothing');

describe('standaloneFigure', () => {
  it('puts title, names and figure below each other in one SVG', () => {
    const { document } = parseHTML(standaloneFigure(figure, ['a < b', 'c'], 'Losses & rates'));
    const svg = document.querySelector('svg')!;
    expect(svg.getAttribute('xmlns')).toBe('http://www.w3.org/2000/svg');
    expect(svg.getAttribute('aria-label')).toBe('Losses & rates');
    expect([...svg.querySelectorAll('text')].map((text) => text.textContent)).toEqual([
      'Losses & rates',
      'a < b',
      'c',
    ]);
    // 16 above, a line of 22 for the title and one for the names, the figure's 200, 8 below.
    expect(svg.getAttribute('height')).toBe('268');
    expect(svg.querySelector('.figure')!.getAttribute('transform')).toBe('translate(0 60)');
  });

  it('breaks a legend that is too long for a row, and has none without names', () => {
    const keysOf = (names: readonly string[]): number[] =>
      [...standaloneFigure(figure, names, 't').matchAll(/<text x="40" y="(\d+)"/g)].map(([, y]) => Number(y));
    const long = Array.from({ length: 6 }, (_, i) => `a run with a rather long name ${i}`);
    // 24 + 7.5 · 31 + 18 = 274.5 pixels each: three fit in 828.
    expect(keysOf(long)).toEqual([50, 72]);
    expect(keysOf([])).toEqual([]);
    expect(standaloneFigure(figure, [], 't')).toContain('height="246"');
  });
});

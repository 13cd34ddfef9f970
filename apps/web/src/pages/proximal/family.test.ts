import { describe, expect, it } from 'vitest';
import { createDrawing, ratios } from './family.js';
import { createRegression, EXAMPLES } from './regression.js';
import { settingsCodec } from './settings.js';

const drawing = createDrawing(createRegression());
const { defaults } = settingsCodec;
const at = (x: number): number => drawing.xs.findIndex((other) => Math.abs(other - x) < 1e-9);

it('ratios are equal and include both ends', () => {
  const values = ratios([1e-2, 1e2], 5);
  values.forEach((value, i) => expect(value).toBeCloseTo(10 ** (i - 2), 9));
});

describe('the curves of the figure', () => {
  const { panels, lossBefore } = drawing.curves(defaults);
  const here = at(EXAMPLES[defaults.point]!.x);

  it('go nearly to the dragged target for the smallest weight, and hardly from f for the largest, in either single term', () => {
    const way = defaults.y - drawing.before[here]!;
    for (const id of ['wsd', 'fsd'] as const) {
      const share = panels[id].family.map(({ values }) => (values[here]! - drawing.before[here]!) / way);
      expect(share[0]!).toBeGreaterThan(0.95);
      expect(share.at(-1)!).toBeLessThan(0.05);
    }
  });

  it.each(['both', 'wsd', 'fsd'] as const)(
    '%s: a larger weight keeps θ′ closer and the loss higher',
    (id) => {
      const { family } = panels[id];
      const losses = family.map(({ terms }) => terms.loss);
      expect(losses).toEqual(losses.toSorted((a, b) => a - b));
      const term = id === 'fsd' ? 'functionChange' : 'weightChange';
      const kept = family.map(({ terms }) => terms[term]);
      expect(kept).toEqual(kept.toSorted((a, b) => b - a));
      for (const { terms } of family) expect(terms.q).toBeLessThan(lossBefore);
    },
  );

  it('the chosen curve is on the family, between its neighbours', () => {
    const { family, chosen } = panels.both;
    const losses = family.filter(({ lambda }) => lambda <= chosen.lambda).map(({ terms }) => terms.loss);
    expect(chosen.terms.loss).toBeGreaterThanOrEqual(losses.at(-1)! * (1 - 1e-12));
    expect(chosen.lambda).toBe(defaults.lambdaWsd);
  });

  it('varies the weight that is asked for, and leaves the single terms as they are', () => {
    const other = drawing.curves({ ...defaults, vary: 'fsd' });
    expect(other.panels.both.varied).toBe('fsd');
    expect(other.panels.both.chosen.values).toEqual(panels.both.chosen.values);
    expect(other.panels.wsd).toEqual(panels.wsd);
    expect(other.panels.both.family).not.toEqual(panels.both.family);
  });

  it('a target on the curve moves nothing', () => {
    const still = drawing.curves({ ...defaults, y: drawing.before[here]! });
    still.panels.both.chosen.values.forEach((value, i) => expect(value).toBeCloseTo(drawing.before[i]!, 9));
  });
});

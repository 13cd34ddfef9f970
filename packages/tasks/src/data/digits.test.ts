import { describe, expect, it } from 'vitest';
import { syntheticDigits } from './digits.js';
import { featureCount, requireExamples } from './examples.js';
import { GLYPH_HEIGHT, GLYPH_WIDTH, glyphs } from './glyphs.js';

describe('glyphs', () => {
  it('are ten different drawings of 5 × 7 dots', () => {
    expect(glyphs).toHaveLength(10);
    for (const glyph of glyphs) expect(glyph).toHaveLength(GLYPH_WIDTH * GLYPH_HEIGHT);
    expect(new Set(glyphs.map((glyph) => glyph.join(''))).size).toBe(10);
  });
});

describe('syntheticDigits', () => {
  it('gives the announced numbers of valid examples', () => {
    const { train, test } = syntheticDigits();
    requireExamples('train', train);
    requireExamples('test', test);
    expect([train.labels.length, test.labels.length]).toEqual([2000, 500]);
    expect([featureCount(train), train.classes]).toEqual([144, 10]);
  });

  it('draws every class about equally often', () => {
    const { labels } = syntheticDigits().train;
    const counts = Array.from({ length: 10 }, (_, digit) => labels.filter((label) => label === digit).length);
    // Binomial(2000, 0.1): mean 200, deviation 13.4; five deviations are 67.
    for (const count of counts) expect(Math.abs(count - 200)).toBeLessThan(67);
  });

  it('is the same for the same seed and another for another', () => {
    const options = { train: 30, test: 10, seed: 4 };
    expect(syntheticDigits(options)).toEqual(syntheticDigits(options));
    expect(syntheticDigits({ ...options, seed: 5 })).not.toEqual(syntheticDigits(options));
  });

  it('draws ink where the glyph has it: the class means differ as the glyphs do', () => {
    const { inputs, labels } = syntheticDigits().train;
    const inkOf = (digit: number): number => {
      let [sum, count] = [0, 0];
      labels.forEach((label, i) => {
        if (label !== digit) return;
        count++;
        for (let k = 0; k < 144; k++) sum += inputs[i * 144 + k]!;
      });
      return sum / count;
    };
    // An 8 has 17 dots, a 7 has 11, a 1 has 10.
    expect(inkOf(8)).toBeGreaterThan(inkOf(7));
    expect(inkOf(7)).toBeGreaterThan(inkOf(1));
  });

  it('refuses counts below one', () => {
    expect(() => syntheticDigits({ train: 0 })).toThrow(/train is 0/);
    expect(() => syntheticDigits({ test: 1.5 })).toThrow(/test is 1.5/);
    expect(() => syntheticDigits({ seed: 0.5 })).toThrow(/seed is 0.5/);
  });
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { choice, defineSettings, flag, integer, number } from './settings.js';

const codec = defineSettings({
  rate: number({ default: 0.01, min: 1e-5, max: 10 }),
  seed: integer({ default: 0, min: 0, max: 999 }),
  model: choice(['mlp', 'lenet'], 'mlp'),
  paired: flag(true),
});

test('an empty address gives the defaults, and they give an empty address', () => {
  const { settings, notes } = codec.parse('');
  expect(settings).toEqual({ rate: 0.01, seed: 0, model: 'mlp', paired: true });
  expect(settings).toEqual(codec.defaults);
  expect(notes).toEqual([]);
  expect(codec.toSearch(settings)).toBe('');
});

test('only what differs from the defaults is written, in the order of the fields', () => {
  expect(codec.toSearch({ paired: false, model: 'lenet', seed: 0, rate: 3e-5 })).toBe(
    'rate=0.00003&model=lenet&paired=0',
  );
});

test('whatever is legal comes back with the same bits', () => {
  const legal = fc.record({
    rate: fc.double({ min: 1e-5, max: 10, noNaN: true }),
    seed: fc.integer({ min: 0, max: 999 }),
    model: fc.constantFrom<'mlp' | 'lenet'>('mlp', 'lenet'),
    paired: fc.boolean(),
  });
  fc.assert(
    fc.property(legal, (settings) => {
      const { settings: back, notes } = codec.parse(`?${codec.toSearch(settings)}`);
      expect(back).toEqual(settings);
      expect(notes).toEqual([]);
    }),
  );
});

test.each([
  ['rate=11', 'rate=11; expected a number from 0.00001 to 10. Using 0.01.'],
  ['rate=', 'rate=; expected a number from 0.00001 to 10. Using 0.01.'],
  ['rate=NaN', 'rate=NaN; expected a number from 0.00001 to 10. Using 0.01.'],
  ['seed=1.5', 'seed=1.5; expected a whole number from 0 to 999. Using 0.'],
  ['model=vgg', 'model=vgg; expected one of mlp, lenet. Using mlp.'],
  ['paired=true', 'paired=true; expected 1 or 0. Using 1.'],
])('%s falls back to the default and says so', (search, note) => {
  const { settings, notes } = codec.parse(search);
  expect(settings).toEqual(codec.defaults);
  expect(notes).toEqual([`The address says ${note}`]);
});

test('a wrong value leaves the others alone, and unknown keys are ignored', () => {
  const { settings, notes } = codec.parse('seed=7&model=vgg&utm_source=x');
  expect(settings).toEqual({ ...codec.defaults, seed: 7 });
  expect(notes).toHaveLength(1);
});

import { expect, it } from 'vitest';
import { settingsCodec, sidesOf, viewpointOf } from './settings.js';

it('the address restores a run', () => {
  const settings = {
    ...settingsCodec.defaults,
    loss: 'other' as const,
    noise: 0,
    condition: 3.16,
    initialRate: 1e-4,
    seed: 42,
  };
  const search = settingsCodec.toSearch(settings);
  expect(search).toBe('loss=other&noise=0&condition=3.16&initialRate=0.0001&seed=42');
  expect(settingsCodec.parse(search)).toEqual({ settings, notes: [] });
});

it('says which values it could not use', () => {
  const { settings, notes } = settingsCodec.parse('loss=third&batchSize=1.5&steps=99');
  expect(settings).toEqual(settingsCodec.defaults);
  expect(notes).toHaveLength(3);
});

it('a side alone is run alone and looked ahead from; of both, the greedy one is', () => {
  expect(sidesOf('both')).toEqual(['same', 'other']);
  expect(sidesOf('other')).toEqual(['other']);
  expect(viewpointOf('both')).toBe('other');
  expect(viewpointOf('same')).toBe('same');
});

import { expect, it } from 'vitest';
import { layerOf, layersOf } from './networks.js';
import { codec, isSameRun } from './settings.js';

it('the address restores a run and what is looked at', () => {
  const settings = {
    ...codec.defaults,
    network: 'deep' as const,
    fsd: 0,
    adaptation: 0.00316,
    seed: 7,
    layer: 8,
    shown: 'value' as const,
  };
  const search = codec.toSearch(settings);
  expect(search).toBe('network=deep&adaptation=0.00316&fsd=0&seed=7&layer=8&shown=value');
  expect(codec.parse(search)).toEqual({ settings, notes: [] });
});

it('looking elsewhere is the same run, another seed is not', () => {
  expect(isSameRun(codec.defaults, { ...codec.defaults, layer: 3, shown: 'value', axis: 'seconds' })).toBe(
    true,
  );
  expect(isSameRun(codec.defaults, { ...codec.defaults, seed: 1 })).toBe(false);
});

it('knows the layers, and the last one where there are fewer', () => {
  expect(layersOf('small').map(({ inputs, outputs }) => [inputs, outputs])).toEqual([
    [196, 64],
    [64, 16],
    [16, 64],
    [64, 196],
  ]);
  // The bias is one more row.
  expect(layerOf('small', 2)).toEqual({ number: 2, inputs: 64, outputs: 16, rows: 65, columns: 16 });
  expect(layerOf('small', 8).number).toBe(4);
  expect(layerOf('deep', 8).outputs).toBe(196);
});

import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import '../index.js';
import { leaked, values } from '../../test/numeric.js';
import type { RuleState, TensorMap } from '../update-rule.js';
import { metaByEntry } from './meta-by-entry.js';
import { metaAdam, metaRmsprop, metaSgd } from './meta-optimizer.js';
import type { MetaOptimizer } from './meta-optimizer.js';

const phi = (): TensorMap => ({ rate: tf.tensor1d([-1]), a: tf.tensor1d([1, 2]), b: tf.scalar(3) });
const gradients = (step: number): TensorMap => ({
  rate: tf.tensor1d([0.5 * step]),
  a: tf.tensor1d([-step, 0.25]),
  b: tf.scalar(2),
});

/** φ after three moves from its start, restricted to `names`, and the names of the state's tensors. */
function moved(
  optimizer: MetaOptimizer,
  names: readonly string[],
  limits: Record<string, number> = {},
): { phi: Record<string, number[]>; slots: string[] } {
  const only = (map: TensorMap): TensorMap => Object.fromEntries(names.map((name) => [name, map[name]!]));
  const result: { phi: Record<string, number[]>; slots: string[] } = { phi: {}, slots: [] };
  tf.tidy(() => {
    let current = only(phi());
    let state: RuleState = optimizer.initialState(current);
    for (let step = 1; step <= 3; step++) {
      const input = { variables: current, gradients: only(gradients(step)), state, step };
      ({ phi: current, state } = optimizer.move(input, limits));
    }
    result.phi = Object.fromEntries(Object.entries(current).map(([name, value]) => [name, values(value)]));
    result.slots = Object.entries(state).flatMap(([slot, map]) =>
      Object.keys(map).map((name) => `${slot}/${name}`),
    );
  });
  return result;
}

const rmsprop = metaRmsprop({ decay: 0.9, biasCorrection: true });
const adam = metaAdam({ learningRate: 1e-2 });
const sgd = metaSgd({ learningRate: 0.1 });

describe('a meta-optimizer for each entry', () => {
  it('moves each entry as its optimizer moves it alone, to the bit', () => {
    const mixed = moved(metaByEntry({ rate: rmsprop, b: sgd, rest: adam }), ['rate', 'a', 'b']);
    expect(mixed.phi).toEqual({
      ...moved(rmsprop, ['rate']).phi,
      ...moved(adam, ['a']).phi,
      ...moved(sgd, ['b']).phi,
    });
    expect(Object.keys(mixed.phi)).toEqual(['rate', 'a', 'b']);
  });

  it('keeps state only where it is used, under the names that checkpoints know', () => {
    const { slots } = moved(metaByEntry({ rate: rmsprop, rest: adam }), ['rate', 'a', 'b']);
    expect(slots).toEqual([
      'meanSquare/rate',
      'firstMoment/a',
      'firstMoment/b',
      'secondMoment/a',
      'secondMoment/b',
    ]);
  });

  it('with rest alone it is that optimizer', () => {
    const names = ['rate', 'a', 'b'];
    expect(moved(metaByEntry({ rest: adam }), names)).toEqual(moved(adam, names));
  });

  it('passes limits on', () => {
    const free = moved(metaByEntry({ rate: sgd, rest: adam }), ['rate', 'a', 'b']);
    const limited = moved(metaByEntry({ rate: sgd, rest: adam }), ['rate', 'a', 'b'], { rate: 0.08 });
    // −0.1 · (0.5, 1, 1.5) = −0.05, −0.1, −0.15, the last two cut to −0.08
    expect(free.phi['rate']![0]).toBeCloseTo(-1.3, 6);
    expect(limited.phi['rate']![0]).toBeCloseTo(-1.21, 6);
    expect(limited.phi['a']).toEqual(free.phi['a']);
  });

  it('refuses a name that φ does not have', () => {
    expect(() => metaByEntry({ rte: sgd, rest: adam }).initialState({})).toThrow(
      /names the entry "rte", which φ does not have/,
    );
  });

  it('leaves no tensor behind', async () => {
    expect(
      await leaked(() => {
        moved(metaByEntry({ rate: rmsprop, rest: adam }), ['rate', 'a', 'b'], { rate: 0.1 });
      }),
    ).toBe(0);
  });
});

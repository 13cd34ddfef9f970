import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { atLookahead, preserving } from './lookahead.js';
import { withRandomSeed } from './replay.js';
import { leaked, testVariable, values } from '../test/numeric.js';

describe('atLookahead', () => {
  it('runs the body at θ′ and puts θ back', async () => {
    const w = testVariable(tf.tensor1d([1, 2]), 'w');
    const b = testVariable(tf.scalar(3), 'b');
    const next = tf.tensor1d([5, 6]);
    const left = await leaked(() => {
      const seen = atLookahead([w, b], { [w.name]: next }, () => [...values(w), ...values(b)]);
      expect(seen).toEqual([5, 6, 3]);
    });
    expect(left).toBe(0);
    expect([...values(w), ...values(b)]).toEqual([1, 2, 3]);
    tf.dispose([w, b, next]);
  });

  it('puts θ back when the body throws', () => {
    const w = testVariable(tf.tensor1d([1, 2]), 'w');
    const next = tf.tensor1d([5, 6]);
    const failing = (): never => {
      throw new Error('inside');
    };
    expect(() => atLookahead([w], { [w.name]: next }, failing)).toThrow('inside');
    expect(values(w)).toEqual([1, 2]);
    tf.dispose([w, next]);
  });

  it('puts θ back when a value has the wrong shape', () => {
    const w = testVariable(tf.tensor1d([1, 2]), 'w');
    const v = testVariable(tf.tensor1d([7]), 'v');
    const [good, bad] = [tf.tensor1d([5, 6]), tf.tensor1d([1, 2, 3])];
    expect(() => atLookahead([w, v], { [w.name]: good, [v.name]: bad }, () => 0)).toThrow(/shape/);
    expect([...values(w), ...values(v)]).toEqual([1, 2, 7]);
    tf.dispose([w, v, good, bad]);
  });

  it('refuses an asynchronous body', () => {
    const w = testVariable(tf.tensor1d([1]), 'w');
    const next = tf.tensor1d([5]);
    expect(() => atLookahead([w], { [w.name]: next }, () => Promise.resolve(1))).toThrow(/asynchronous/);
    expect(values(w)).toEqual([1]);
    tf.dispose([w, next]);
  });
});

describe('preserving', () => {
  it('undoes what the body assigns', () => {
    const average = testVariable(tf.tensor1d([0.5]), 'average');
    preserving([average], () => {
      const moved = tf.tensor1d([0.9]);
      average.assign(moved);
      moved.dispose();
    });
    expect(values(average)).toEqual([0.5]);
    average.dispose();
  });
});

describe('withRandomSeed', () => {
  it('replays dropout masks and noise, and gives Math.random back', () => {
    const original = Math.random;
    const draw = (seed: number): number[] =>
      tf.tidy(() =>
        withRandomSeed(seed, () => values(tf.add(tf.dropout(tf.ones([40]), 0.5), tf.randomNormal([40])))),
      );
    expect(draw(3)).toEqual(draw(3));
    expect(draw(3)).not.toEqual(draw(4));
    expect(() =>
      withRandomSeed(1, () => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(Math.random).toBe(original);
  });
});

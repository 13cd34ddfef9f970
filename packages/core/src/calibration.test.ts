import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { calibrateLogRate } from './calibration.js';
import { leaked, values } from '../test/numeric.js';

/** log η for the parabola Q(η) = loss − slope η + ½ curvature η². */
function calibrate(loss: number, slope: number, curvature: number, options = {}): number {
  return tf.tidy(() => {
    const q = (logRate: tf.Scalar): tf.Scalar => {
      const eta = tf.exp(logRate);
      return tf.add(tf.sub(loss, tf.mul(eta, slope)), tf.mul(tf.square(eta), curvature / 2));
    };
    const found = calibrateLogRate(tf.scalar(loss), tf.scalar(slope), q, tf.scalar(Math.log(0.123)), options);
    return Math.exp(values(found)[0]!);
  });
}

describe('calibrateLogRate', () => {
  // (J − Q)/(η s) = 1 − ½ η c/s ≥ r  ⇔  η ≤ 2 (1 − r) s/c
  it.each([
    [2.3, 1, 4],
    [2.3, 100, 4],
    [0.01, 1e-4, 1e-3],
    [50, 1e-2, 1e4],
  ])('J = %d, slope %d, curvature %d: η = .2 s/c', (loss, slope, curvature) => {
    const expected = (0.2 * slope) / curvature;
    const predicted = expected * slope;
    // Where the promised decrease is above rounding, the bisection finds the closed form to its resolution.
    if (predicted > 1e-3 * loss) expect(calibrate(loss, slope, curvature) / expected).toBeCloseTo(1, 1);
    else expect(calibrate(loss, slope, curvature)).toBeGreaterThanOrEqual(expected * 0.97);
  });

  it('follows the ratio asked for', () => {
    expect(calibrate(2.3, 1, 4, { ratio: 0.5 })).toBeCloseTo(0.25, 2);
  });

  it('forgives what evaluations of Q may be off by', () => {
    // η s − ½ c η² + ρ J = .9 η s with J = 2.3, s = 1, c = 4 and ρ = 2⁻⁸: η = (.1 + √(.01 + 8 ρ J)) / 4 = .09653.
    expect(calibrate(2.3, 1, 4, { resolution: 2 ** -8 })).toBeCloseTo(0.0965, 3);
    // A Q that only takes multiples of ρ J: without forgiveness the first short step that changes nothing stops the search.
    const coarse = (resolution: number): number =>
      tf.tidy(() => {
        const unit = 2.3 * 2 ** -8;
        const q = (logRate: tf.Scalar): tf.Scalar => {
          const eta = tf.exp(logRate);
          const exact = tf.add(tf.sub(2.3, eta), tf.mul(tf.square(eta), 2));
          return tf.mul(tf.round(tf.div(exact, unit)), unit);
        };
        const rate = calibrateLogRate(tf.scalar(2.3), tf.scalar(1), q, tf.scalar(0), { resolution });
        return Math.exp(values(rate)[0]!);
      });
    expect(coarse(0)).toBeLessThan(1e-4);
    expect(coarse(2 ** -8)).toBeGreaterThan(0.03);
    expect(coarse(2 ** -8)).toBeLessThan(0.13);
    expect(() => calibrate(2.3, 1, 4, { resolution: -1 })).toThrow('calibrate.resolution is -1');
  });

  it('treats a Q that cannot be computed as too far', () => {
    const found = tf.tidy(() =>
      values(
        calibrateLogRate(
          tf.scalar(1),
          tf.scalar(1),
          (logRate): tf.Scalar =>
            tf.where<tf.Scalar>(
              tf.greater(logRate, Math.log(0.01)),
              tf.scalar(NaN),
              tf.sub<tf.Scalar>(1, tf.exp(logRate)),
            ),
          tf.scalar(0),
        ),
      ),
    );
    expect(Math.exp(found[0]!)).toBeCloseTo(0.01, 3);
  });

  it('keeps the given rate when no step descends', () => {
    expect(calibrate(2.3, 0, 4)).toBeCloseTo(0.123, 5);
    expect(calibrate(2.3, -1, 4)).toBeCloseTo(0.123, 5);
  });

  it('leaves no tensor behind', async () => {
    expect(await leaked(() => void calibrate(2, 1, 1))).toBe(0);
  });
});

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { withoutGreeting } from './greeting.js';

let before: string;
let warn: ReturnType<typeof vi.spyOn>;

/** A cpu backend that has not had a tensor yet. */
beforeEach(async () => {
  before = tf.getBackend();
  tf.registerBackend('fresh', () => tf.findBackendFactory('cpu')());
  await tf.setBackend('fresh');
  warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});

afterEach(async () => {
  vi.restoreAllMocks();
  await tf.setBackend(before);
  tf.removeBackend('fresh');
});

describe('withoutGreeting', () => {
  it('keeps the banner of the first tensor away', () => {
    withoutGreeting(() => tf.scalar(2).dispose());
    tf.scalar(2).dispose();
    expect(warn).not.toHaveBeenCalled();
  });

  it('is needed', () => {
    tf.scalar(2).dispose();
    expect(warn).toHaveBeenCalledOnce();
  });

  it('returns what the body returns and puts the setting back, also when it throws', () => {
    expect(withoutGreeting(() => tf.env().getBool('PROD'))).toBe(true);
    expect(tf.env().getBool('PROD')).toBe(false);
    expect(() => withoutGreeting(() => tf.util.assert(false, () => 'thrown'))).toThrow('thrown');
    expect(tf.env().getBool('PROD')).toBe(false);
  });
});

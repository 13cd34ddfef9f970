/** Readings of a captured pass: its uses by kind and by variable, and tensors beside what they should be. */
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import type { LayerCapture } from '../src/layer-capture.js';
import type { LayerUse } from '../src/layer-use.js';
import { values } from './numeric.js';

/** A use of a known kind, its kernel or variable called `…/label`. */
export function useOf<K extends LayerUse['kind']>(
  { uses }: LayerCapture,
  kind: K,
  label: string,
  which = 0,
): Extract<LayerUse, { kind: K }> {
  const found = uses.filter(
    (use) => use.kind === kind && ('kernel' in use ? use.kernel : use.variable).endsWith(label),
  );
  expect(found.length, `${kind} uses of ${label}`).toBeGreaterThan(which);
  return found[which] as Extract<LayerUse, { kind: K }>;
}

export function kindOf<K extends LayerUse['kind']>(
  { uses }: LayerCapture,
  kind: K,
): Extract<LayerUse, { readonly kind: K }>[] {
  return uses.filter((use): use is Extract<LayerUse, { readonly kind: K }> => use.kind === kind);
}

export function expectClose(actual: tf.Tensor, expected: tf.Tensor, tolerance = 1e-5): void {
  expect(actual.shape).toEqual(expected.shape);
  const scale = Math.max(1e-3, ...values(tf.abs(expected)));
  values(actual).forEach((value, i) => {
    expect(Math.abs(value - values(expected)[i]!) / scale).toBeLessThan(tolerance);
  });
}

/** Which kinds of uses each variable has. */
export function kindsOf({ uses }: Pick<LayerCapture, 'uses'>, name: string): string[] {
  return uses.flatMap((use) =>
    ('kernel' in use ? use.kernel === name || use.bias === name : use.variable === name) ? [use.kind] : [],
  );
}

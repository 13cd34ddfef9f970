/** Every optimizer, block, baseline and network on every engine that is present: the losses and weights of the `cpu` engine, as FEATURES.md says. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, test } from 'vitest';
import { engine, engineNames } from '../engines.js';
import type { EngineName } from '../engines.js';
import { engineCases } from './cases.js';
import type { EngineCase } from './cases.js';
import { readFeatures } from './features.js';

const features = readFeatures(new URL('../../../../FEATURES.md', import.meta.url));

/** Roundings of 2⁻²⁴ in each operation, amplified by a few steps. */
const TOLERANCE = 2e-3;

const expected = new Map<EngineCase, Promise<number[]>>();

async function on(name: EngineName, one: EngineCase): Promise<number[]> {
  await engine(name, { threads: 1 }).activate();
  const before = tf.memory().numTensors;
  const results = await one.run();
  expect(tf.memory().numTensors).toBe(before);
  return results;
}

/** What `cpu` gives, computed once. */
function reference(one: EngineCase): Promise<number[]> {
  const known = expected.get(one) ?? on('cpu', one);
  expected.set(one, known);
  return known;
}

async function whyNot(name: EngineName): Promise<string | undefined> {
  const { available, reason = 'not available' } = await engine(name).probe();
  return available ? undefined : reason;
}

const missing = new Map(
  await Promise.all(engineNames.map(async (name) => [name, await whyNot(name)] as const)),
);

afterAll(async () => {
  await engine('cpu').activate();
});

test('FEATURES.md has a row for each of them, in this order', () => {
  expect(features.map(({ group, name }) => `${group}: ${name}`)).toEqual(
    engineCases.map(({ group, name }) => `${group}: ${name}`),
  );
});

describe('cpu', () => {
  test.each(engineCases)('$group $name trains', async (one) => {
    const results = await reference(one);
    expect(results.every(Number.isFinite)).toBe(true);
    // The two batches alternate: a step that did nothing would give the loss of two steps before.
    if (one.group !== 'network') expect(results[2]).not.toBe(results[0]);
  });
});

describe.each(engineNames.filter((name) => name !== 'cpu'))('%s', (name) => {
  const reason = missing.get(name);
  const title = reason === undefined ? '' : ` (not run: ${reason})`;

  describe.skipIf(reason !== undefined)(`as on cpu${title}`, () => {
    test.each(engineCases)('$group $name', async (one) => {
      const status = features.find((row) => row.group === one.group && row.name === one.name)?.on[name];
      if (status === 'cannot') {
        await expect(on(name, one)).rejects.toThrow();
        return;
      }
      // What is here in every run of the tests is tested; about the others the table cannot know more than the last who ran them.
      if (name === 'wasm' || name === 'webgpu') expect(status).toBe('tested');
      const wanted = await reference(one);
      const results = await on(name, one);
      expect(results.length).toBe(wanted.length);
      results.forEach((value, i) =>
        expect(Math.abs(value - wanted[i]!), `number ${i}`).toBeLessThan(
          TOLERANCE * (1 + Math.abs(wanted[i]!)),
        ),
      );
    });
  });
});

import { describe, expect, it } from 'vitest';
import { measureMeta, measureSteps } from './benchmark.js';
import type { BenchmarkOptions } from './benchmark.js';
import { arithmeticLimit } from './meta-limit.js';
import type { BenchEngineName, Measurement, Meter, Subject } from './subject.js';
import { metaTable, stepTable } from './table.js';

/** Answers with given milliseconds a step, one after the other, and keeps the order of the calls. */
function scripted(
  engine: BenchEngineName,
  calls: string[],
  milliseconds: (subject: Subject, call: number) => number,
  refuse?: (subject: Subject) => boolean,
): Meter {
  let count = 0;
  return {
    engine,
    prepare: (subject) =>
      refuse?.(subject) === true ? Promise.reject(new Error('no such kernel')) : Promise.resolve(),
    measure(subject, { steps }): Promise<Measurement> {
      calls.push(engine);
      return Promise.resolve({ steps, seconds: (steps * milliseconds(subject, count++)) / 1000 });
    },
    dispose: () => Promise.resolve(),
  };
}

const options: BenchmarkOptions = { models: ['mlp'], rules: ['momentum'], rounds: 3, metaModels: ['mlp'] };
const intervalOf = (subject: Subject): number | undefined =>
  'model' in subject ? subject.meta?.interval : undefined;
const silent = (): void => undefined;

describe('measureSteps', () => {
  it('goes round the engines and reports medians', async () => {
    const calls: string[] = [];
    const meters = [
      scripted('wasm', calls, (_, call) => [10, 90, 20][call]!),
      scripted('node', calls, () => 5),
    ];
    const times = await measureSteps(meters, options, silent);
    expect(calls).toEqual(['wasm', 'node', 'wasm', 'node', 'wasm', 'node']);
    expect(times).toMatchObject([
      { model: 'mlp', rule: 'momentum', engine: 'wasm', milliseconds: 20 },
      { model: 'mlp', rule: 'momentum', engine: 'node', milliseconds: 5, spread: 0 },
    ]);
    const table = stepTable(times, ['wasm', 'node'], 'wasm');
    expect(table).toContain('20 ms (1×)');
    expect(table).toContain('5 ms (0.25×)');
  });

  it('says why an engine cannot, and goes on with the others', async () => {
    const calls: string[] = [];
    const meters = [
      scripted(
        'stock-wasm',
        calls,
        () => 1,
        (subject) => 'model' in subject && subject.model === 'lenet',
      ),
      scripted('wasm', calls, () => 4),
    ];
    const times = await measureSteps(meters, { ...options, models: ['lenet'], rounds: 1 }, silent);
    expect(times[0]).toEqual({
      model: 'lenet',
      rule: 'momentum',
      engine: 'stock-wasm',
      reason: 'no such kernel',
    });
    expect(times[1]).toMatchObject({ engine: 'wasm', milliseconds: 4 });
    expect(calls).toEqual(['wasm']);
    const table = stepTable(times, ['stock-wasm', 'wasm'], 'wasm');
    expect(table).toContain('cannot');
    expect(table).toContain('stock-wasm cannot train lenet: no such kernel');
  });
});

describe('measureMeta', () => {
  it('divides by the base step of the same engine, and leaves stock-wasm out', async () => {
    const own = (subject: Subject): number => 8 + 80 / (intervalOf(subject) ?? Infinity);
    const meters = [scripted('stock-wasm', [], () => 1), scripted('wasm', [], own)];
    const overheads = await measureMeta(meters, options, silent);
    expect(overheads.map(({ preset, interval }) => `${preset} ${interval}`)).toEqual([
      'paper 10',
      'auto 10',
      'paper 100',
      'auto 100',
    ]);
    // (8 + 8)/8 and (8 + 0.8)/8.
    expect(overheads.map(({ ratio }) => ratio!.toFixed(3))).toEqual(['2.000', '2.000', '1.100', '1.100']);
    expect(overheads.every(({ engine }) => engine === 'wasm')).toBe(true);
    expect(metaTable(overheads)).toContain('2.000 (limit 1.233)');
  });

  it('measures whole intervals, so that each has one meta-step', async () => {
    const asked: [number | undefined, number][] = [];
    const meter: Meter = {
      ...scripted('wasm', [], () => 1),
      measure(subject, { steps }) {
        asked.push([intervalOf(subject), steps]);
        return Promise.resolve({ steps, seconds: steps });
      },
    };
    await measureMeta([meter], { ...options, rounds: 1 }, silent);
    for (const [interval, steps] of asked) expect(steps % (interval ?? 1)).toBe(0);
  });
});

describe('arithmeticLimit', () => {
  it('is 7 forward passes for a meta-step of the paper and 9 with rejection, over 3 K', () => {
    // 1 + 7/30, 1 + 7/300, 1 + 9/30, 1 + 9/300.
    expect(arithmeticLimit('paper', 10)).toBeCloseTo(1.2333, 4);
    expect(arithmeticLimit('paper', 100)).toBeCloseTo(1.0233, 4);
    expect(arithmeticLimit('auto', 10)).toBeCloseTo(1.3, 12);
    expect(arithmeticLimit('auto', 100)).toBeCloseTo(1.03, 12);
  });
});

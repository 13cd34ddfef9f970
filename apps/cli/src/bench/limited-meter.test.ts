/** The limit of time, with meters that take what their subject says. */
import { ApoError } from '@apo/core';
import { describe, expect, it } from 'vitest';
import { LimitedMeter } from './limited-meter.js';
import type { Meter, Subject } from './subject.js';

const quick = { model: 'mlp', rule: 'adam' } as const;
const endless = { model: 'resnet18', rule: 'adam' } as const;
const fatal = { model: 'lenet', rule: 'adam' } as const;
const minimum = { steps: 1, seconds: 0 };

/** Meters that know what they have prepared, one after the other. */
function meters() {
  const events: string[] = [];
  let count = 0;
  const start = (): Promise<Meter & { readonly threads: number }> => {
    const number = ++count;
    const prepared = new Set<Subject>();
    return Promise.resolve({
      engine: 'webgpu',
      threads: 1,
      prepare: (subject: Subject) => {
        events.push(`${number} prepare`);
        if (subject === endless) return new Promise<void>(() => undefined);
        if (subject === fatal)
          return Promise.reject(new ApoError('BACKEND_UNAVAILABLE', 'the process ended'));
        prepared.add(subject);
        return Promise.resolve();
      },
      measure: (subject: Subject) =>
        prepared.has(subject)
          ? Promise.resolve({ steps: 1, seconds: number })
          : Promise.reject(new Error('was not prepared')),
      count: () =>
        Promise.resolve({ dispatches: 7, boundBytes: 0, copiedBytes: 0, readBacks: 0, heldBytes: 0 }),
      kill: () => {
        events.push(`${number} kill`);
        return Promise.resolve();
      },
      dispose: () => {
        events.push(`${number} dispose`);
        return Promise.resolve();
      },
    });
  };
  return { events, start };
}

describe('LimitedMeter', () => {
  it('passes on what the meter says', async () => {
    const { events, start } = meters();
    const meter = new LimitedMeter(await start(), start, 10);
    await meter.prepare(quick);
    expect(await meter.measure(quick, minimum)).toEqual({ steps: 1, seconds: 1 });
    expect((await meter.count(quick, 3))?.dispatches).toBe(7);
    await meter.dispose();
    expect(events).toEqual(['1 prepare', '1 dispose']);
  });

  it('gives up what takes longer, for good, and goes on with another process that prepares again', async () => {
    const { events, start } = meters();
    const meter = new LimitedMeter(await start(), start, 0.05);
    await meter.prepare(quick);
    await expect(meter.prepare(endless)).rejects.toThrow('it takes longer than the limit of 0.05 s');
    // Not tried a second time.
    await expect(meter.measure(endless, minimum)).rejects.toThrow('it takes longer than the limit');
    expect(await meter.measure(quick, minimum)).toEqual({ steps: 1, seconds: 2 });
    await meter.dispose();
    expect(events).toEqual(['1 prepare', '1 prepare', '1 kill', '2 prepare', '2 dispose']);
  });

  it('goes on with another process after one that ended', async () => {
    const { events, start } = meters();
    const meter = new LimitedMeter(await start(), start, 10);
    await expect(meter.prepare(fatal)).rejects.toThrow('the process ended');
    await meter.prepare(quick);
    expect(await meter.measure(quick, minimum)).toEqual({ steps: 1, seconds: 2 });
    await meter.dispose();
    expect(events).toEqual(['1 prepare', '1 kill', '2 prepare', '2 dispose']);
  });
});

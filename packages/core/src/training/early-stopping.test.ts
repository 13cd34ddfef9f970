import { describe, expect, it } from 'vitest';
import { EarlyStopping } from './early-stopping.js';
import type { EarlyStoppingOptions } from './early-stopping.js';

/** What `update` says about each value in turn: i = improved, s = stop. */
function verdicts(options: Omit<EarlyStoppingOptions, 'metric'>, values: readonly number[]): string[] {
  const early = new EarlyStopping({ metric: 'm', ...options });
  return values.map((m) => {
    const { improved, stop } = early.update({ m });
    return (improved ? 'i' : '-') + (stop ? 's' : '-');
  });
}

const refused = expect.objectContaining({ name: 'ApoError', code: 'INVALID_ARGUMENT' }) as Error;

describe('EarlyStopping', () => {
  it('stops after `patience` evaluations in a row without improvement', () => {
    // 3, 2 improve; 2 and 5 wait; 1 improves and resets the count; 1, 1 wait twice in a row: stop.
    expect(verdicts({ mode: 'min', patience: 2 }, [3, 2, 2, 1, 1, 1])).toEqual([
      'i-',
      'i-',
      '--',
      'i-',
      '--',
      '-s',
    ]);
  });

  it('knows metrics where more is better', () => {
    expect(verdicts({ mode: 'max', patience: 1 }, [0.5, 0.6, 0.6])).toEqual(['i-', 'i-', '-s']);
  });

  it('asks for more than minDelta', () => {
    expect(verdicts({ mode: 'min', patience: 9, minDelta: 0.5 }, [2, 1.5, 1.25])).toEqual(['i-', '--', 'i-']);
  });

  it('never takes NaN or infinity for an improvement', () => {
    expect(verdicts({ mode: 'max', patience: 3 }, [NaN, Infinity, 1, NaN])).toEqual(['--', '--', 'i-', '--']);
  });

  it('only watches without patience', () => {
    expect(verdicts({ mode: 'min' }, [1, 2, 3, 4])).toEqual(['i-', '--', '--', '--']);
  });

  it('continues from its state', () => {
    const first = new EarlyStopping({ metric: 'm', mode: 'min', patience: 2 });
    first.update({ m: 1 });
    first.update({ m: 2 });
    const second = new EarlyStopping({ metric: 'm', mode: 'min', patience: 2 });
    second.restore(first.state());
    expect(second.best).toBe(1);
    expect(second.update({ m: 1 })).toEqual({ improved: false, stop: true });
  });

  it('refuses what cannot be meant', () => {
    const make = (options: Partial<EarlyStoppingOptions>) => () =>
      new EarlyStopping({ metric: 'm', mode: 'min', ...options });
    expect(make({ metric: '' })).toThrow(refused);
    expect(make({ mode: 'least' as 'min' })).toThrow(/mode is "least"/);
    expect(make({ patience: 0 })).toThrow(refused);
    expect(make({ minDelta: -1 })).toThrow(refused);
    expect(() => new EarlyStopping({ metric: 'm', mode: 'min' }).update({ accuracy: 1 })).toThrow(
      /watches "m", but evaluate returned accuracy/,
    );
  });
});

import { describe, expect, it } from 'vitest';
import { selectBackend } from './backend.js';
import type { BackendAdapter } from './backend.js';
import { ApoError, isApoError, requireInteger, requireNumber } from './errors.js';

function adapter(
  name: string,
  behaviour: { reason?: string; remedy?: string; fails?: string },
): BackendAdapter {
  const { reason, remedy, fails } = behaviour;
  return {
    name,
    probe: () =>
      Promise.resolve(
        reason === undefined
          ? { available: true }
          : { available: false, reason, ...(remedy !== undefined && { remedy }) },
      ),
    activate: () =>
      fails === undefined
        ? Promise.resolve({ name, tfBackend: name, threads: 1 })
        : Promise.reject(new Error(fails)),
  };
}

describe('selectBackend', () => {
  it('takes the first that is available and starts', async () => {
    const chosen = await selectBackend([
      adapter('gpu', { reason: 'No adapter.' }),
      adapter('broken', { fails: 'driver lost' }),
      adapter('wasm', {}),
      adapter('cpu', {}),
    ]);
    expect(chosen.name).toBe('wasm');
  });

  it('says why each was refused, and what to do', async () => {
    const attempt = selectBackend([
      adapter('gpu', { reason: 'No adapter.', remedy: 'Install a driver.' }),
      adapter('node', { fails: 'boom' }),
    ]);
    await expect(attempt).rejects.toMatchObject({ name: 'ApoError', code: 'BACKEND_UNAVAILABLE' });
    await expect(attempt).rejects.toThrow(/gpu: No adapter\. Install a driver\.\n {2}node: boom/);
    await expect(selectBackend([])).rejects.toThrow(/No engine was named/);
  });
});

describe('errors', () => {
  it('are recognised by name and keep their cause', () => {
    const cause = new Error('inner');
    const error = new ApoError('NON_FINITE', 'outer', { cause });
    expect([error.code, error.cause, isApoError(error), isApoError(cause)]).toEqual([
      'NON_FINITE',
      cause,
      true,
      false,
    ]);
    const foreign = Object.assign(new Error('other copy'), { code: 'NON_FINITE' });
    foreign.name = 'ApoError';
    expect(isApoError(foreign)).toBe(true);
  });

  it('name the option, the value and the range', () => {
    expect(() => requireNumber('rate', 0, { min: 0, exclusive: true })).toThrow(
      'rate is 0; expected a finite number in (0, Infinity).',
    );
    expect(() => requireNumber('ratio', 2, { min: 0, max: 1 })).toThrow(
      'ratio is 2; expected a finite number in [0, 1].',
    );
    expect(() => requireInteger('steps', 1.5, 1)).toThrow('steps is 1.5; expected a whole number ≥ 1.');
  });
});

import { mkdir, mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withFileLock } from './file-lock.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apo-lock-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('withFileLock', () => {
  it('runs one piece of work at a time and leaves no lock', async () => {
    const events: string[] = [];
    const work = (name: string) => async (): Promise<string> => {
      events.push(`${name} in`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      events.push(`${name} out`);
      return name;
    };
    const path = join(folder, 'file');
    const results = await Promise.all([withFileLock(path, work('a')), withFileLock(path, work('b'))]);
    expect(results).toEqual(['a', 'b']);
    expect(events.map((event) => event.slice(2))).toEqual(['in', 'out', 'in', 'out']);
    expect(await readdir(folder)).toEqual([]);
  });

  it('releases the lock when the work throws, and passes the error on', async () => {
    const path = join(folder, 'file');
    await expect(withFileLock(path, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await withFileLock(path, () => Promise.resolve('free'))).toBe('free');
  });

  it('takes over from a holder that died', async () => {
    const path = join(folder, 'file');
    await mkdir(`${path}.lock`);
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(`${path}.lock`, longAgo, longAgo);
    expect(await withFileLock(path, () => Promise.resolve('taken'))).toBe('taken');
  });

  it('does not wait for what never passes', async () => {
    await expect(withFileLock(join(folder, 'no', 'file'), () => Promise.resolve(1))).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});

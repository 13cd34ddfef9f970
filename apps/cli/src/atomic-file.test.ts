import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeFileAtomic } from './atomic-file.js';
import { inFolder } from './testing/test-io.js';

describe('writeFileAtomic', () => {
  it('writes text and bytes and replaces what was there', () =>
    inFolder((folder) => {
      const path = join(folder, 'file');
      writeFileSync(path, 'a longer text that was there before');
      writeFileAtomic(path, 'η = 1e−3');
      expect(readFileSync(path, 'utf8')).toBe('η = 1e−3');
      writeFileAtomic(path, Uint8Array.of(0, 255, 7));
      expect([...readFileSync(path)]).toEqual([0, 255, 7]);
      expect(readdirSync(folder)).toEqual(['file']);
    }));

  it('leaves the old content and no temporary file when it fails', () =>
    inFolder((folder) => {
      // A folder in the way: the rename of a file onto it is refused.
      const path = join(folder, 'taken');
      mkdirSync(join(path, 'inside'), { recursive: true });
      expect(() => writeFileAtomic(path, 'text')).toThrow();
      expect(readdirSync(folder)).toEqual(['taken']);
      expect(readdirSync(path)).toEqual(['inside']);
    }));

  it('creates no folder', () =>
    inFolder((folder) => {
      expect(() => writeFileAtomic(join(folder, 'missing', 'file'), 'text')).toThrow('ENOENT');
    }));
});

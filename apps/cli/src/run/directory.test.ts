import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inFolder } from '../testing/test-io.js';
import {
  abandonDirectory,
  continueDirectory,
  defaultDirectory,
  requireFreeDirectory,
  runFiles,
  startDirectory,
} from './directory.js';

describe('defaultDirectory', () => {
  it('names the task, the optimizer, the seed and the time', () => {
    const time = new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678));
    expect(defaultDirectory('digits', 'sgd-apo', 7, time)).toBe(
      join('runs', 'digits-sgd-apo-seed7-20260102-030405'),
    );
  });
});

describe('requireFreeDirectory', () => {
  it('accepts a directory that does not exist, without making it', () =>
    inFolder((folder) => {
      const directory = join(folder, 'run');
      expect(requireFreeDirectory(directory, { force: false })).toEqual(runFiles(directory));
      expect(existsSync(directory)).toBe(false);
    }));

  it('tells a finished run from an unfinished one, and lets force pass', () =>
    inFolder((folder) => {
      const files = runFiles(folder);
      writeFileSync(files.checkpoint, '');
      expect(() => requireFreeDirectory(folder, { force: false })).toThrow('holds an unfinished run');
      writeFileSync(files.summary, '{}');
      expect(() => requireFreeDirectory(folder, { force: false })).toThrow('holds a finished run');
      expect(requireFreeDirectory(folder, { force: true })).toEqual(files);
    }));
});

describe('startDirectory', () => {
  it('makes the directory, or removes an earlier run and nothing else', () =>
    inFolder((folder) => {
      const files = runFiles(join(folder, 'a', 'b'));
      startDirectory(files);
      for (const path of [files.metrics, files.summary, files.checkpoint, files.report])
        writeFileSync(path, '');
      const other = join(files.directory, 'other');
      writeFileSync(other, '');
      startDirectory(files);
      expect([files.metrics, files.summary, files.checkpoint, files.report].filter(existsSync)).toEqual([]);
      expect(existsSync(other)).toBe(true);
    }));
});

describe('abandonDirectory', () => {
  it('removes the files of the run, and the directory when nothing else is in it', () =>
    inFolder((folder) => {
      const files = runFiles(join(folder, 'run'));
      startDirectory(files);
      writeFileSync(files.metrics, '');
      const other = join(files.directory, 'other');
      writeFileSync(other, '');
      abandonDirectory(files);
      expect(existsSync(files.metrics)).toBe(false);
      expect(existsSync(other)).toBe(true);
      rmSync(other);
      abandonDirectory(files);
      expect(existsSync(files.directory)).toBe(false);
    }));
});

describe('continueDirectory', () => {
  it('removes the summary and the report, and nothing when the run is already longer', () =>
    inFolder((folder) => {
      const files = runFiles(folder);
      for (const path of [files.metrics, files.summary, files.checkpoint, files.report])
        writeFileSync(path, '');
      expect(() => continueDirectory(files, 30, 20)).toThrow('already taken 30 steps, more than 20');
      expect(existsSync(files.summary)).toBe(true);
      continueDirectory(files, 30, 40);
      expect([files.metrics, files.summary, files.checkpoint, files.report].filter(existsSync)).toEqual([
        files.metrics,
        files.checkpoint,
      ]);
    }));
});

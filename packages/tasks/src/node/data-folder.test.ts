import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultDataFolder } from './data-folder.js';

describe('defaultDataFolder', () => {
  it('prefers APO_DATA_DIR, made absolute', () => {
    expect(defaultDataFolder({ APO_DATA_DIR: '/data', XDG_CACHE_HOME: '/cache' })).toBe('/data');
    expect(defaultDataFolder({ APO_DATA_DIR: 'data' })).toBe(resolve('data'));
  });

  it('uses XDG_CACHE_HOME when it is absolute', () => {
    expect(defaultDataFolder({ XDG_CACHE_HOME: '/cache' })).toBe('/cache/apo');
    expect(defaultDataFolder({ XDG_CACHE_HOME: 'cache' })).toBe(join(homedir(), '.cache', 'apo'));
  });

  it('falls back to the home folder; an empty variable counts as absent', () => {
    expect(defaultDataFolder({ APO_DATA_DIR: '' })).toBe(join(homedir(), '.cache', 'apo'));
  });
});

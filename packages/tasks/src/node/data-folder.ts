/** Where data sets are kept on disk. */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/** `APO_DATA_DIR`, else `apo` in `XDG_CACHE_HOME` (which counts only when absolute), else `~/.cache/apo`; always absolute. */
export function defaultDataFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { APO_DATA_DIR: chosen, XDG_CACHE_HOME: cache } = environment;
  if (chosen !== undefined && chosen !== '') return resolve(chosen);
  if (cache !== undefined && isAbsolute(cache)) return join(cache, 'apo');
  return join(homedir(), '.cache', 'apo');
}

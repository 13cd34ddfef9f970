/** The public UCI tables where somebody has put them: `APO_DATA_DIR`, or the folder of shared data beside the repository. Tests that need them are reported as skipped elsewhere. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fileStore } from '../src/node/file-store.js';
import type { FileStore } from '../src/node/file-store.js';

const candidates = [
  process.env['APO_DATA_DIR'] ?? '',
  fileURLToPath(new URL('../../../../shared/data', import.meta.url)),
];

/** The file of the folder `uci`, or undefined where it is in neither place. */
export function uciFile(name: string): string | undefined {
  return candidates
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'uci', name))
    .find((path) => existsSync(path));
}

/** A store that takes UCI tables from where they are, and downloads nothing. */
export function uciStore(name: string): FileStore {
  const path = uciFile(name);
  return fileStore({ download: false, ...(path !== undefined && { folder: join(path, '..', '..') }) });
}

/** Digests of bytes and of files. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { parseChecksum } from '../data/data-set.js';
import type { Checksum } from '../data/data-set.js';

/** Length and digest of `bytes`, by the algorithm of `checksum`. */
export function measureBytes(bytes: Uint8Array, checksum: Checksum): { bytes: number; digest: string } {
  const hash = createHash(parseChecksum(checksum).algorithm);
  return { bytes: bytes.length, digest: hash.update(bytes).digest('hex') };
}

/** The same for a file, without holding it in memory. */
export async function measureFile(
  path: string,
  checksum: Checksum,
): Promise<{ bytes: number; digest: string }> {
  const hash = createHash(parseChecksum(checksum).algorithm);
  await pipeline(createReadStream(path), hash);
  return { bytes: (await stat(path)).size, digest: hash.digest('hex') };
}

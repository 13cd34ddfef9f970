/** One process at a time: parallel trials must not write to the same unfinished download. */
import { setTimeout as sleep } from 'node:timers/promises';
import lockfile from 'proper-lockfile';

/** Milliseconds without a sign of life after which a holder counts as dead. */
const STALE = 20_000;
const POLL = 200;

/** Runs `work` while holding `<path>.lock`; waits for another holder, and takes over from one that died. */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const release = await acquire(path);
  try {
    return await work();
  } finally {
    await release().catch(() => undefined);
  }
}

/** The library's own retries would also repeat errors that never pass, such as a folder that cannot be written. */
async function acquire(path: string): Promise<() => Promise<void>> {
  for (;;) {
    try {
      return await lockfile.lock(path, {
        realpath: false,
        stale: STALE,
        // A lock lost by a suspended computer costs at worst a download that fails its checksum.
        onCompromised: () => undefined,
      });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ELOCKED')) throw error;
      await sleep(POLL);
    }
  }
}

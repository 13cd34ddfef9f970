/** One file over HTTP into a folder: resumed, retried, verified, and in place only when complete. Which file and from where is the caller's choice. */
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApoError, isApoError, requireInteger, requireNumber } from '@apo/core';
import { knownFingerprint, requireIntact } from '../data/data-set.js';
import type { Fingerprint } from '../data/data-set.js';
import { withFileLock } from './file-lock.js';
import { measureFile } from './digest.js';

export interface DownloadProgress {
  readonly url: string;
  /** Bytes on disk, those of an earlier attempt included. */
  readonly received: number;
  /** Absent when neither the caller nor the server says. */
  readonly total?: number;
}

export interface DownloadSettings {
  /** Attempts after the first (default 3). */
  readonly retries?: number;
  /** Milliseconds before the first of them, doubled each time (default 500). */
  readonly retryDelay?: number;
  /** An attempt ends when nothing arrives for this many milliseconds (default 30,000). */
  readonly idleTimeout?: number;
  /** Called when an attempt starts to receive, and after each piece. */
  readonly onProgress?: (progress: DownloadProgress) => void;
}

/** Without `bytes` and `checksum` the server's word on the length, and `check`, decide whether the file is complete. */
export interface DownloadOptions extends DownloadSettings, Partial<Fingerprint> {
  readonly url: string;
  /** Where the file ends up. Until then it is `<target>.part`, which a later call continues. */
  readonly target: string;
  /** Judges the complete file, at `path`, before it is put in place; throws ApoError `DATA_CORRUPT` to refuse it. */
  readonly check?: (path: string) => Promise<void>;
}

type Timing = Required<Pick<DownloadSettings, 'retries' | 'retryDelay' | 'idleTimeout'>>;

/** An answer that another attempt would get again. */
class FinalFailure extends Error {}

/**
 * Downloads `url` to `target`. Does nothing when `target` exists (another process may have been faster).
 * @throws ApoError `DATA_UNAVAILABLE` when the transfer fails or the folder cannot be written, `DATA_CORRUPT` when
 *   the complete file is not the expected one (it is removed).
 */
export async function downloadFile(options: DownloadOptions): Promise<void> {
  const { target, retries = 3, retryDelay = 500, idleTimeout = 30_000 } = options;
  requireInteger('retries', retries, 0);
  requireNumber('retryDelay', retryDelay, { min: 0 });
  requireNumber('idleTimeout', idleTimeout, { min: 0, exclusive: true });
  const timing = { retries, retryDelay, idleTimeout };
  const folder = dirname(target);
  try {
    await mkdir(folder, { recursive: true });
    await withFileLock(target, async () => {
      if ((await sizeOf(target)) === undefined) await downloadLocked(options, timing);
    });
  } catch (cause) {
    if (isApoError(cause)) throw cause;
    throw new ApoError('DATA_UNAVAILABLE', `The folder ${folder} cannot be used: ${reason(cause)}.`, {
      cause,
    });
  }
}

async function downloadLocked(options: DownloadOptions, timing: Timing): Promise<void> {
  const part = `${options.target}.part`;
  const leftOver = (await sizeOf(part)) !== undefined;
  await transfer(options, part, timing);
  try {
    await verify(options, part);
  } catch (error) {
    if (!leftOver || !isApoError(error)) throw error;
    // What an earlier call had left may have been another file: once more, from the start.
    await transfer(options, part, timing);
    await verify(options, part);
  }
  await rename(part, options.target);
}

async function verify(options: DownloadOptions, part: string): Promise<void> {
  const expected = knownFingerprint(options);
  try {
    if (expected !== undefined) {
      const found = await measureFile(part, expected.checksum);
      requireIntact(`What ${options.url} gave`, found, expected, 'It was removed; try another address.');
    }
    await options.check?.(part);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** Fills `part`, however many attempts that takes. */
async function transfer(options: DownloadOptions, part: string, timing: Timing): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await receive(options, part, timing.idleTimeout);
      return;
    } catch (cause) {
      if (cause instanceof FinalFailure || attempt === timing.retries || isFileError(cause)) {
        const attempts = attempt > 0 ? ` (${attempt + 1} attempts)` : '';
        throw new ApoError(
          'DATA_UNAVAILABLE',
          `${options.url} could not be downloaded to ${options.target}: ${reason(cause)}${attempts}.`,
          { cause },
        );
      }
      await sleep(timing.retryDelay * 2 ** attempt);
    }
  }
}

/** One attempt: continues `part` where the server can, and starts over where it cannot. */
async function receive(
  { url, bytes, onProgress }: DownloadOptions,
  part: string,
  idle: number,
): Promise<void> {
  const start = await resumeAt(part, bytes);
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const stillAlive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => abort.abort(new Error(`nothing arrived for ${idle} ms`)), idle);
  };
  stillAlive();
  try {
    const response = await fetch(url, {
      headers: { 'accept-encoding': 'identity', ...(start > 0 && { range: `bytes=${start}-` }) },
      signal: abort.signal,
    });
    const body = await acceptedBody(response, part);
    const range = response.headers.get('content-range');
    const continues = response.status === 206 && range?.startsWith(`bytes ${start}-`) === true;
    let received = continues ? start : 0;
    const total = bytes ?? announcedLength(response, received);
    const progress = (): void => onProgress?.({ url, received, ...(total !== undefined && { total }) });
    const file = await open(part, continues ? 'a' : 'w');
    try {
      progress();
      const reader = body.getReader();
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
        stillAlive();
        await file.writeFile(piece.value);
        received += piece.value.length;
        if (total !== undefined && received > total) {
          await reader.cancel();
          return;
        }
        progress();
      }
      if (bytes === undefined && total !== undefined && received < total) {
        throw new Error(`the connection ended after ${received} of ${total} bytes`);
      }
    } finally {
      await file.close();
    }
  } finally {
    clearTimeout(timer);
  }
}

/** The body of a good answer; otherwise throws, `FinalFailure` when asking again would not help. */
async function acceptedBody(response: Response, part: string): Promise<ReadableStream<Uint8Array>> {
  if (response.ok && response.body !== null) return response.body;
  await response.body?.cancel();
  const { status } = response;
  const answer = `the server answered ${status} ${response.statusText}`.trim();
  if (status === 416) await rm(part, { force: true });
  const temporary = status >= 500 || [408, 416, 429].includes(status);
  throw temporary ? new Error(answer) : new FinalFailure(answer);
}

/** Bytes of the complete file by the headers of an answer that starts at byte `start`. */
function announcedLength({ headers }: Response, start: number): number | undefined {
  const length = headers.get('content-encoding') === null ? headers.get('content-length') : null;
  return length === null ? undefined : start + Number(length);
}

/** How many bytes of `part` can be kept: all, unless it is known to be as long as the complete file or longer. */
async function resumeAt(part: string, bytes: number | undefined): Promise<number> {
  const size = (await sizeOf(part)) ?? 0;
  if (size < (bytes ?? Infinity)) return size;
  await rm(part);
  return 0;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch {
    return undefined;
  }
}

/** A full or read-only disk: no other attempt will help. */
function isFileError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && 'path' in error;
}

/** `fetch` hides the reason in `cause`. */
function reason(error: unknown): string {
  const inner = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (!(inner instanceof Error)) return String(inner);
  const code = 'code' in inner ? String(inner.code) : '';
  return inner.message.includes(code) ? inner.message || code : `${code} ${inner.message}`.trim();
}

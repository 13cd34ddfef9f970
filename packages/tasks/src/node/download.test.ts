import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rangeServer } from '../../test/range-server.js';
import type { Accidents, RangeServer } from '../../test/range-server.js';
import { downloadFile } from './download.js';
import type { DownloadOptions, DownloadProgress } from './download.js';

/** 300,000 bytes without a period that a wrong offset could hide in. */
const content = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 2_654_435_761) >>> 24);
const checksum = `sha256:${createHash('sha256').update(content).digest('hex')}` as const;

let folder: string;
let target: string;
let server: RangeServer | undefined;

async function options(accidents?: Accidents, more: Partial<DownloadOptions> = {}): Promise<DownloadOptions> {
  server = await rangeServer({ '/file': content }, accidents);
  return { url: `${server.url}/file`, target, bytes: content.length, checksum, retryDelay: 1, ...more };
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apo-download-'));
  target = join(folder, 'set', 'file');
});

afterEach(async () => {
  await server?.close();
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

describe('downloadFile', () => {
  it('downloads, verifies, reports progress, and leaves nothing but the file', async () => {
    const seen: DownloadProgress[] = [];
    await downloadFile(await options({}, { onProgress: (progress) => seen.push(progress) }));
    expect((await readFile(target)).equals(content)).toBe(true);
    expect(await readdir(join(folder, 'set'))).toEqual(['file']);
    expect(seen[0]).toEqual({ url: `${server!.url}/file`, received: 0, total: 300_000 });
    expect(seen.at(-1)?.received).toBe(300_000);
    const counts = seen.map(({ received }) => received);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
  });

  it('continues after a cut connection with the bytes that are missing', async () => {
    await downloadFile(await options({ cutAfter: [100_000, 50_000] }));
    expect((await readFile(target)).equals(content)).toBe(true);
    // The client may lose what it had received but not yet read when the connection broke; it asks from what it has kept.
    const starts = server!.requests.map(({ range }) =>
      Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')?.[1]),
    );
    expect(starts).toHaveLength(3);
    const [first, second, third] = starts as [number, number, number];
    expect(first).toBe(0);
    expect(second).toBeGreaterThan(0);
    expect(second).toBeLessThanOrEqual(100_000);
    expect(third).toBeGreaterThanOrEqual(second);
    expect(third).toBeLessThanOrEqual(second + 50_000);
  });

  it('continues what an earlier call has left', async () => {
    const first = await options({ cutAfter: [120_000] }, { retries: 0 });
    await expect(downloadFile(first)).rejects.toMatchObject({ code: 'DATA_UNAVAILABLE' });
    expect(await readdir(join(folder, 'set'))).toEqual(['file.part']);
    await downloadFile(first);
    expect(server!.requests[1]?.range).toMatch(/^bytes=[1-9]\d*-$/);
    expect((await readFile(target)).equals(content)).toBe(true);
  });

  it('starts over when the server does not know ranges', async () => {
    await downloadFile(await options({ cutAfter: [100_000], ignoreRange: true }));
    expect((await readFile(target)).equals(content)).toBe(true);
    expect(server!.requests).toHaveLength(2);
  });

  it('starts over once when what was left belongs to another file', async () => {
    const settings = await options();
    await mkdir(join(folder, 'set'));
    await writeFile(`${target}.part`, new Uint8Array(1000).fill(7));
    await downloadFile(settings);
    expect(server!.requests.map(({ range }) => range)).toEqual(['bytes=1000-', undefined]);
    expect((await readFile(target)).equals(content)).toBe(true);
  });

  it('does not trust a part that is as long as the file', async () => {
    const settings = await options();
    await mkdir(join(folder, 'set'));
    await writeFile(`${target}.part`, new Uint8Array(content.length));
    await downloadFile(settings);
    expect((await readFile(target)).equals(content)).toBe(true);
  });

  it('refuses a file with another checksum and removes it', async () => {
    const wrong = await options({}, { checksum: `sha256:${'0'.repeat(64)}` });
    await expect(downloadFile(wrong)).rejects.toMatchObject({
      code: 'DATA_CORRUPT',
      message: expect.stringContaining(`${server!.url}/file`) as string,
    });
    expect(await readdir(join(folder, 'set'))).toEqual([]);
  });

  it('checks MD5 where that is what is known', async () => {
    const md5 = createHash('md5').update(content).digest('hex');
    await downloadFile(await options({}, { checksum: `md5:${md5}` }));
    expect((await readFile(target)).equals(content)).toBe(true);
  });

  it.each([
    ['shorter', content.length + 1],
    ['longer', content.length - 1],
  ])('refuses a file that is %s than announced', async (_, bytes) => {
    await expect(downloadFile(await options({}, { bytes }))).rejects.toMatchObject({
      code: 'DATA_CORRUPT',
      message: expect.stringContaining(`expected ${bytes}`) as string,
    });
    expect(await readdir(join(folder, 'set'))).toEqual([]);
  });

  it('does not repeat a request that was answered 404', async () => {
    const settings = await options();
    const url = `${server!.url}/missing`;
    await expect(downloadFile({ ...settings, url })).rejects.toMatchObject({
      code: 'DATA_UNAVAILABLE',
      message: expect.stringMatching(
        /missing could not be downloaded to .*set\/file: the server answered 404/,
      ) as string,
    });
    expect(server!.requests).toHaveLength(1);
  });

  it('repeats a request that was answered 503 or 429', async () => {
    await downloadFile(await options({ statuses: [503, 429] }));
    expect(server!.requests).toHaveLength(3);
    expect((await readFile(target)).equals(content)).toBe(true);
  });

  it('gives up after the last retry and says how often it tried', async () => {
    await expect(downloadFile(await options({ statuses: [500, 500, 500] }, { retries: 2 }))).rejects.toThrow(
      /500.*\(3 attempts\)/,
    );
    expect(server!.requests).toHaveLength(3);
  });

  it('names the reason when the host cannot be reached', async () => {
    const settings = await options({}, { retries: 1 });
    await server!.close();
    await expect(downloadFile(settings)).rejects.toMatchObject({
      code: 'DATA_UNAVAILABLE',
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
  });

  it('ends an attempt in which nothing arrives', async () => {
    await expect(
      downloadFile(await options({ hang: true }, { retries: 0, idleTimeout: 50 })),
    ).rejects.toThrow(/nothing arrived for 50 ms/);
  });

  it('lets one of two simultaneous calls download and the other wait for it', async () => {
    const settings = await options();
    await Promise.all([downloadFile(settings), downloadFile(settings)]);
    expect(server!.requests).toHaveLength(1);
    expect(await readdir(join(folder, 'set'))).toEqual(['file']);
  });

  it('names a folder that cannot be used', async () => {
    const settings = await options();
    await writeFile(join(folder, 'set'), 'a file, not a folder');
    await expect(downloadFile(settings)).rejects.toMatchObject({
      code: 'DATA_UNAVAILABLE',
      message: expect.stringContaining(join(folder, 'set')) as string,
    });
  });

  it('refuses settings that cannot be meant', async () => {
    const settings = await options();
    for (const bad of [{ retries: -1 }, { retries: 1.5 }, { retryDelay: -1 }, { idleTimeout: 0 }]) {
      await expect(downloadFile({ ...settings, ...bad })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
    expect(server!.requests).toHaveLength(0);
  });
});

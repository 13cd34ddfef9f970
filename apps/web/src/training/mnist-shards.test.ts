import { gzipSync } from 'node:zlib';
import { expect, test, vi } from 'vitest';
import { MnistLoader } from './mnist-shards.js';

const PIXELS = 784;
const URL_ = 'https://example.org/site/mnist/';

/** Shards of 3 and 2 training examples and 2 test examples; every byte of image i is 10 · i, its label is i. */
function files(): Map<string, Uint8Array> {
  const shard = (first: number, count: number): Uint8Array => {
    const labels = Array.from({ length: count }, (_, i) => first + i);
    const images = labels.flatMap((label) => new Array<number>(PIXELS).fill(10 * label));
    return gzipSync(Uint8Array.from([...labels, ...images]));
  };
  const list = {
    pixels: PIXELS,
    train: [
      { file: 'train-00.bin', count: 3 },
      { file: 'train-01.bin', count: 2 },
    ],
    test: [{ file: 'test-00.bin', count: 2 }],
  };
  return new Map([
    [`${URL_}list.json`, new TextEncoder().encode(JSON.stringify(list))],
    [`${URL_}train-00.bin`, shard(0, 3)],
    [`${URL_}train-01.bin`, shard(3, 2)],
    [`${URL_}test-00.bin`, shard(7, 2)],
  ]);
}

function server(contents: Map<string, Uint8Array>, failures: Record<string, number> = {}) {
  return vi.fn((url: string) => {
    const left = failures[url] ?? 0;
    failures[url] = left - 1;
    if (left > 0) return Promise.resolve(new Response('busy', { status: 503, statusText: 'Busy' }));
    return Promise.resolve(new Response(contents.get(url) as Uint8Array<ArrayBuffer>));
  });
}

const asFetch = (served: ReturnType<typeof server>): typeof fetch => served as unknown as typeof fetch;

test('gives the first examples of both splits, in order, and counts the files', async () => {
  const served = server(files());
  const seen: string[] = [];
  const loader = new MnistLoader(URL_, { fetch: asFetch(served) });
  const { train, test: tested } = await loader.load({ train: 4, test: 1 }, (loaded, total) =>
    seen.push(`${loaded}/${total}`),
  );
  expect([...train.labels]).toEqual([0, 1, 2, 3]);
  expect(train.inputs).toHaveLength(4 * PIXELS);
  expect(train.inputs[2 * PIXELS]).toBe(20);
  expect(train.inputs[4 * PIXELS - 1]).toBe(30);
  expect([...tested.labels]).toEqual([7]);
  expect(tested.inputs[0]).toBe(70);
  expect(seen).toEqual(['0/3', '1/3', '2/3', '3/3']);
});

test('fetches only what is needed, and nothing twice', async () => {
  const served = server(files());
  const loader = new MnistLoader(URL_, { fetch: asFetch(served) });
  await loader.load({ train: 3, test: 1 });
  expect(served.mock.calls.map(([url]) => url.slice(URL_.length))).toEqual([
    'list.json',
    'train-00.bin',
    'test-00.bin',
  ]);
  await loader.load({ train: 5, test: 2 });
  expect(served.mock.calls.slice(3).map(([url]) => url.slice(URL_.length))).toEqual(['train-01.bin']);
});

test('tries a file three times', async () => {
  const served = server(files(), { [`${URL_}train-00.bin`]: 2 });
  const { train } = await new MnistLoader(URL_, { fetch: asFetch(served), delay: 1 }).load({
    train: 1,
    test: 1,
  });
  expect([...train.labels]).toEqual([0]);
  expect(served.mock.calls.filter(([url]) => url.endsWith('train-00.bin'))).toHaveLength(3);
});

test('then says what failed and why, and goes on from there when asked again', async () => {
  const served = server(files(), { [`${URL_}train-01.bin`]: 3 });
  const loader = new MnistLoader(URL_, { fetch: asFetch(served), delay: 1 });
  await expect(loader.load({ train: 5, test: 1 })).rejects.toThrow(
    expect.objectContaining({
      code: 'DATA_UNAVAILABLE',
      message: expect.stringContaining(
        'train-01.bin failed 3 times (503 Busy; 503 Busy; 503 Busy)',
      ) as string,
    }) as Error,
  );
  const { train } = await loader.load({ train: 5, test: 1 });
  expect([...train.labels]).toEqual([0, 1, 2, 3, 4]);
  expect(served.mock.calls.filter(([url]) => url.endsWith('train-00.bin'))).toHaveLength(1);
});

test('takes files that the browser has uncompressed already', async () => {
  const contents = files();
  const plain = Uint8Array.from([5, ...new Array<number>(PIXELS).fill(1)]);
  const list = { pixels: PIXELS, train: [{ file: 'a', count: 1 }], test: [{ file: 'a', count: 1 }] };
  contents.set(`${URL_}list.json`, new TextEncoder().encode(JSON.stringify(list)));
  contents.set(`${URL_}a`, plain);
  const { train } = await new MnistLoader(URL_, { fetch: asFetch(server(contents)) }).load({
    train: 1,
    test: 1,
  });
  expect([...train.labels]).toEqual([5]);
});

test.each([
  ['a file of another length', 'train-00.bin', new Uint8Array(10), 'has 10 bytes; expected 2355'],
  ['a list that is none', 'list.json', new TextEncoder().encode('<html>'), 'is not JSON'],
])('refuses %s', async (_, file, bytes, message) => {
  const contents = files();
  contents.set(URL_ + file, bytes);
  const loader = new MnistLoader(URL_, { fetch: asFetch(server(contents)) });
  await expect(loader.load({ train: 1, test: 1 })).rejects.toThrow(
    expect.objectContaining({
      code: 'DATA_CORRUPT',
      message: expect.stringContaining(message) as string,
    }) as Error,
  );
});

test('refuses more examples than there are', async () => {
  const loader = new MnistLoader(URL_, { fetch: asFetch(server(files())) });
  await expect(loader.load({ train: 6, test: 1 })).rejects.toThrow('has 5 images of a split; expected 6');
});

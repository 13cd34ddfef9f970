/**
 * Cuts MNIST into what the page loads: gzip files of 2,000 images with their labels, and a list of them, in public/mnist/ (not in git).
 * A shard is, uncompressed, `count` labels of one byte, then `count` images of 28 × 28 bytes. Does nothing where the list is there.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { loadMnist } from '@apo/tasks';
import { fileStore } from '@apo/tasks/node';

const PIXELS = 28 * 28;
const SHARD = 2000;

const target = fileURLToPath(new URL('../public/mnist', import.meta.url));
if (!existsSync(join(target, 'list.json'))) await pack();

async function pack() {
  const { train, test } = await loadMnist(fileStore({ resolveFrom: [import.meta.url] }));
  mkdirSync(dirname(target), { recursive: true });
  const fresh = mkdtempSync(`${target}-`);
  try {
    const list = { pixels: PIXELS, train: cut(fresh, 'train', train), test: cut(fresh, 'test', test) };
    writeFileSync(join(fresh, 'list.json'), JSON.stringify(list));
    chmodSync(fresh, 0o755);
    rmSync(target, { recursive: true, force: true });
    renameSync(fresh, target);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    throw error;
  }
}

/** Writes the shards of one split and returns `[{ file, count, bytes }]`. */
function cut(folder, split, { labels, inputs }) {
  const shards = [];
  for (let start = 0; start < labels.length; start += SHARD) {
    const end = Math.min(start + SHARD, labels.length);
    const plain = Buffer.concat([labels.subarray(start, end), inputs.subarray(start * PIXELS, end * PIXELS)]);
    const packed = gzipSync(plain, { level: 9 });
    // Not `.gz`: servers that know this ending announce a content encoding, and some compress it once more.
    const file = `${split}-${String(shards.length).padStart(2, '0')}.bin`;
    writeFileSync(join(folder, file), packed);
    shards.push({ file, count: end - start, bytes: packed.length });
  }
  return shards;
}

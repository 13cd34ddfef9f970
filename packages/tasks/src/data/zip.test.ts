import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { zipMember } from './zip.js';

const content = Uint8Array.from({ length: 5000 }, (_, i) => (i * i) % 251);
const archive = zipSync({ 'read.me': strToU8('about'), 'folder/table.csv': content });

const refusal = (message: RegExp): unknown =>
  expect.objectContaining({ code: 'DATA_CORRUPT', message: expect.stringMatching(message) as string });

describe('zipMember', () => {
  it('gives the member of that name, in whatever folder', () => {
    expect(zipMember(archive, 'table.csv', 'It', 'Delete it.')).toEqual(content);
    expect(zipMember(archive, 'read.me', 'It', 'Delete it.')).toEqual(strToU8('about'));
  });

  it('says which members there are when it is none of them', () => {
    expect(() => zipMember(archive, 'able.csv', 'a.zip', 'Delete it.')).toThrow(
      refusal(/^a\.zip has no member able\.csv; it has read\.me, folder\/table\.csv\. Delete it\.$/),
    );
    expect(() => zipMember(zipSync({}), 'a', 'b.zip', '')).toThrow(refusal(/it has none/));
  });

  it.each([
    ['a cut archive', archive.subarray(0, archive.length - 30)],
    ['another kind of file', strToU8('<html>Not found</html>')],
    ['nothing', new Uint8Array(0)],
  ])('refuses %s', (_, bytes) => {
    expect(() => zipMember(bytes, 'table.csv', 'a.zip', 'Delete it.')).toThrow(
      refusal(/^a\.zip is not a whole zip archive \(.+\)\. Delete it\.$/),
    );
  });

  it('refuses an archive whose compressed bytes are damaged', () => {
    const damaged = archive.slice();
    damaged.fill(255, 100, 400);
    expect(() => zipMember(damaged, 'table.csv', 'a.zip', 'Delete it.')).toThrow(refusal(/^a\.zip/));
  });
});

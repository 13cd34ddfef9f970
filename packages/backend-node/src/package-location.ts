/** Where the tfjs-node package lies and which versions it has, read from its package.json files without loading any of it. */

import type * as childProcess from 'node:child_process';
import type * as fs from 'node:fs';
import type * as module from 'node:module';
import type * as os from 'node:os';
import type * as path from 'node:path';

/** Node's own modules, fetched at run time: a static import of them would break a bundle for browsers. */
export interface NodeModules {
  readonly fs: typeof fs;
  readonly module: typeof module;
  readonly path: typeof path;
  readonly childProcess: typeof childProcess;
  readonly os: typeof os;
}

/** `undefined` outside Node. */
export function nodeModules(): NodeModules | undefined {
  const here = (globalThis as { process?: Partial<NodeJS.Process> }).process;
  if (here?.versions?.node === undefined || here.getBuiltinModule === undefined) return undefined;
  return {
    fs: here.getBuiltinModule('node:fs'),
    module: here.getBuiltinModule('node:module'),
    path: here.getBuiltinModule('node:path'),
    childProcess: here.getBuiltinModule('node:child_process'),
    os: here.getBuiltinModule('node:os'),
  };
}

export interface PackageLocation {
  /** The package's folder, absolute. */
  readonly folder: string;
  readonly version: string;
  /** Version of the tfjs-core that the package itself would load; `undefined` when it is nowhere to be found. */
  readonly coreVersion: string | undefined;
}

/** Why there is no package to load. */
export interface PackageMissing {
  readonly missing: string;
}

const PACKAGE = '@tensorflow/tfjs-node';

/**
 * The package in `packagePath`, or, without one, the `@tensorflow/tfjs-node` installed beside this package or beside the
 * program (its working directory).
 */
export function locatePackage(
  { fs, module, path }: NodeModules,
  packagePath: string | undefined,
): PackageLocation | PackageMissing {
  if (packagePath !== undefined) {
    const manifest = path.resolve(packagePath, 'package.json');
    if (!fs.existsSync(manifest)) return { missing: `there is no package in ${path.resolve(packagePath)}` };
    return describe(manifest);
  }
  const starts = [import.meta.url, path.join(process.cwd(), 'package.json')];
  for (const start of starts) {
    const manifest = resolveFrom(start, `${PACKAGE}/package.json`);
    if (manifest !== undefined) return describe(manifest);
  }
  return { missing: `${PACKAGE} is not installed` };

  function resolveFrom(start: string, specifier: string): string | undefined {
    try {
      return module.createRequire(start).resolve(specifier);
    } catch {
      return undefined;
    }
  }

  function describe(manifest: string): PackageLocation | PackageMissing {
    const own = readManifest(manifest);
    if (own?.name !== PACKAGE && own?.name !== `${PACKAGE}-gpu`) {
      return { missing: `${manifest} is not the manifest of ${PACKAGE}` };
    }
    // The tfjs-core beside tfjs-node's own @tensorflow/tfjs is the one that its require() reaches.
    const union = resolveFrom(manifest, '@tensorflow/tfjs/package.json');
    const core = union && resolveFrom(union, '@tensorflow/tfjs-core/package.json');
    return {
      folder: path.dirname(manifest),
      version: own.version ?? 'unknown',
      coreVersion: core === undefined ? undefined : readManifest(core)?.version,
    };
  }

  function readManifest(file: string): { name?: string; version?: string } | undefined {
    try {
      return JSON.parse(fs.readFileSync(file, 'utf8')) as { name?: string; version?: string };
    } catch {
      return undefined;
    }
  }
}

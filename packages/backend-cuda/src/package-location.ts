/** Where tfjs-node-gpu lies and which versions it has, read from package.json files without loading any of it. */
import type { NodeModules } from './node-modules.js';

export const PACKAGE = '@tensorflow/tfjs-node-gpu';

export interface PackageLocation {
  /** The package's folder, absolute. */
  readonly folder: string;
  readonly version: string;
  /** Version of the tfjs-core that the package itself would load; `undefined` when it is nowhere to be found. */
  readonly coreVersion: string | undefined;
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
}

/**
 * The package in `packagePath`, or, without one, the one installed beside this package or beside the program (its working directory);
 * or one clause that says why there is none.
 */
export function locatePackage(
  node: NodeModules,
  packagePath: string | undefined,
): PackageLocation | { readonly missing: string } {
  const manifest =
    packagePath === undefined ? installed(node) : node.path.resolve(packagePath, 'package.json');
  if (manifest === undefined) return { missing: `${PACKAGE} is not installed` };
  const own = readManifest(node, manifest);
  if (own === undefined) return { missing: `there is no package in ${node.path.dirname(manifest)}` };
  if (own.name !== PACKAGE) return { missing: `${manifest} is not the manifest of ${PACKAGE}` };
  // The tfjs-core beside its own @tensorflow/tfjs is the one that its require() reaches.
  const union = resolveFrom(node, manifest, '@tensorflow/tfjs/package.json');
  const core = union && resolveFrom(node, union, '@tensorflow/tfjs-core/package.json');
  return {
    folder: node.path.dirname(manifest),
    version: own.version ?? 'unknown',
    coreVersion: core === undefined ? undefined : readManifest(node, core)?.version,
  };
}

function installed(node: NodeModules): string | undefined {
  return [import.meta.url, node.path.join(process.cwd(), 'package.json')]
    .map((start) => resolveFrom(node, start, `${PACKAGE}/package.json`))
    .find((manifest) => manifest !== undefined);
}

function resolveFrom({ module }: NodeModules, start: string, specifier: string): string | undefined {
  try {
    return module.createRequire(start).resolve(specifier);
  } catch {
    return undefined;
  }
}

function readManifest({ fs }: NodeModules, file: string): Manifest | undefined {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')) as Manifest;
  } catch {
    return undefined;
  }
}

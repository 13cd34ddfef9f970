/**
 * Checks one package as its users will get it: publint, the types under every way of resolving them (attw), and the size of
 * each entry against .size-limit.json. Runs in the package's folder after its build; a package with only a `bin` gets publint.
 */
import presetSmallLib from '@size-limit/preset-small-lib';
import { existsSync, readFileSync } from 'node:fs';
import { builtinModules, createRequire } from 'node:module';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import sizeLimit from 'size-limit';

const require = createRequire(import.meta.url);
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const failures = [];

command('publint', ['--strict']);
if (manifest.exports === undefined) {
  console.log(`${manifest.name} has no library entry: types and sizes are not checked.`);
} else {
  // Subpaths are invisible to TypeScript's oldest resolution (node10), so packages that have some are held to node16.
  const subpaths = Object.keys(manifest.exports).filter((path) => path !== '.' && path !== './package.json');
  const profile = subpaths.length === 0 ? 'strict' : 'node16';
  command('@arethetypeswrong/cli', [
    '--pack',
    '.',
    '--profile',
    profile,
    '--no-emoji',
    '--format',
    'table-flipped',
  ]);
  await sizes();
}

if (failures.length > 0) {
  console.error(`packaging of ${manifest.name}: ${failures.join(', ')} failed`);
  process.exit(1);
}
console.log(`packaging of ${manifest.name}: everything holds`);

/** Runs the bin of a tool that is installed at the root of the repository. */
function command(tool, args) {
  const toolManifest = join(root(tool), 'package.json');
  const { bin } = JSON.parse(readFileSync(toolManifest, 'utf8'));
  const file = join(root(tool), typeof bin === 'string' ? bin : Object.values(bin)[0]);
  console.log(`\n> ${tool} ${args.join(' ')}`);
  const { status } = spawnSync(process.execPath, [file, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) failures.push(tool);
}

/** The folder of an installed package, also of one that does not export its package.json. */
function root(tool) {
  for (const folder of require.resolve.paths(tool)) {
    if (existsSync(join(folder, tool, 'package.json'))) return join(folder, tool);
  }
  throw new Error(`${tool} is not installed; run "npm run setup".`);
}

/** Minified and gzipped, without what is not ours to shrink: peers and our other packages. Limits in kB, by built file. */
async function sizes() {
  const limits = existsSync('.size-limit.json') ? JSON.parse(readFileSync('.size-limit.json', 'utf8')) : {};
  const ours = Object.keys(manifest.dependencies ?? {}).filter((name) => name.startsWith('@apo/'));
  const ignore = [...Object.keys(manifest.peerDependencies ?? {}), ...ours];
  console.log(`\n> size-limit (minified, gzipped, without ${ignore.join(', ')})`);
  const entries = Object.values(manifest.exports).flatMap((entry) => entry.import?.default ?? []);
  for (const entry of entries) {
    const check = {
      files: [join(process.cwd(), entry)],
      gzip: true,
      ignore: [...ignore, ...builtinModules, 'node:*'],
      modifyEsbuildConfig: (config) => ({ ...config, format: 'esm' }),
    };
    const [{ size }] = await sizeLimit(presetSmallLib, { cwd: process.cwd(), checks: [check] });
    const measured = (size / 1000).toFixed(2);
    const limit = limits[entry];
    if (limit === undefined) {
      console.log(`${entry}: ${measured} kB, and no limit for it in .size-limit.json`);
      failures.push(`size of ${entry}`);
    } else if (size > limit * 1000) {
      console.log(`${entry}: ${measured} kB, ABOVE the limit of ${limit} kB`);
      failures.push(`size of ${entry}`);
    } else {
      console.log(`${entry}: ${measured} kB, within the limit of ${limit} kB`);
    }
  }
}

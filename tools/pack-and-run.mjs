/**
 * Packs every public package, installs the tarballs with npm in empty projects, and runs a program that trains through
 * them: under Node as ESM and as CommonJS, as a Vite bundle for browsers, and the command line. The packages must have been
 * built. KEEP=1 leaves the projects in place and says where.
 */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle, runInPage } from './pack-and-run/page.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const work = mkdtempSync(join(tmpdir(), 'apo-pack-and-run-'));
/** What a program has to install beside our packages: their peers, and a backend for the small checks. */
const PEERS = [
  '@tensorflow/tfjs',
  '@tensorflow/tfjs-core',
  '@tensorflow/tfjs-layers',
  '@tensorflow/tfjs-backend-cpu',
  '@tensorflow/tfjs-backend-wasm',
  '@tensorflow/tfjs-backend-webgpu',
];
/** The union package with its WebGL backend alone is larger than a bundle may be. */
const LARGEST_BUNDLE_KB = 600;

try {
  const tarballs = pack();
  const library = project(
    'library',
    Object.fromEntries(Object.entries(tarballs).filter(([name]) => name !== '@apo/cli')),
    Object.fromEntries(PEERS.map((name) => [name, versionOf(name)])),
  );
  for (const file of readdirSync(join(here, 'pack-and-run'))) {
    if (file !== 'page.mjs') copyFileSync(join(here, 'pack-and-run', file), join(library, file));
  }

  const esm = lastLine(node(library, ['esm.mjs']));
  report('Node, ESM', esm);
  const cjs = lastLine(node(library, ['cjs.cjs']));
  report('Node, CommonJS', cjs);
  requireSame('CommonJS', cjs, esm);

  const page = await bundle(library, 'web.mjs');
  report('Vite bundle', `${page.kilobytes.toFixed(0)} kB`);
  if (page.kilobytes > LARGEST_BUNDLE_KB || page.code.includes('gl_FragCoord')) {
    throw new Error(
      `The bundle has ${page.kilobytes.toFixed(0)} kB, at most ${LARGEST_BUNDLE_KB} expected, and no WebGL.`,
    );
  }
  const inPage = await runInPage(page.code);
  report('Vite bundle, run', inPage);
  requireSame('the Vite bundle', inPage, esm);
  const wasmPage = await bundle(library, 'web-wasm.mjs');
  const binaries = join(library, 'node_modules', '@tensorflow', 'tfjs-backend-wasm', 'dist');
  report('Vite bundle of the wasm engine, run', await runInPage(wasmPage.code, binaries));
  const baselinesPage = await bundle(library, 'web-baselines.mjs');
  report('Vite bundle of the baselines, run', await runInPage(baselinesPage.code));

  const program = project('command-line', tarballs, {});
  const apo = (...args) => npx(program, ['apo', ...args]);
  const help = apo('--help');
  for (const command of ['run', 'list', 'doctor', 'verify', 'bench']) {
    if (!help.includes(command)) throw new Error(`"apo --help" does not mention ${command}:\n${help}`);
  }
  const { engines } = JSON.parse(apo('doctor', '--json'));
  const wasm = engines.find(({ name }) => name === 'wasm');
  if (wasm?.available !== true) throw new Error(`apo doctor: wasm is not available: ${JSON.stringify(wasm)}`);
  report('apo doctor', engines.map(({ name, available }) => `${name} ${available}`).join(', '));
  const theory = JSON.parse(apo('verify', '--only', 'theorem-1', '--engine', 'wasm', '--json'));
  if (theory.passed !== true) throw new Error(`apo verify: ${JSON.stringify(theory)}`);
  report('apo verify', `${theory.checks.length} checks hold`);
  console.log('pack-and-run: everything holds');
} finally {
  if (process.env.KEEP) console.log(`kept: ${work}`);
  else rmSync(work, { recursive: true, force: true });
}

/** Tarballs by package name. pnpm rewrites `workspace:` and `catalog:` on the way. */
function pack() {
  const pnpm = join(root, 'node_modules', 'pnpm', 'bin', 'pnpm.cjs');
  const tarballs = {};
  for (const group of ['packages', 'apps']) {
    for (const name of readdirSync(join(root, group))) {
      const folder = join(root, group, name);
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      if (manifest.private) continue;
      const output = run(process.execPath, [pnpm, 'pack', '--json', '--pack-destination', work], folder);
      tarballs[manifest.name] = `file:${JSON.parse(output).filename}`;
    }
  }
  report('packed', Object.keys(tarballs).join(', '));
  return tarballs;
}

/** An empty project with these dependencies installed; our packages resolve to the tarballs because their versions fit. */
function project(name, tarballs, others) {
  const folder = join(work, name);
  mkdirSync(folder);
  const dependencies = { ...tarballs, ...others };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }, null, 2));
  run(npmBin('npm'), ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], folder);
  report(`installed ${name}`, `${Object.keys(dependencies).length} dependencies`);
  return folder;
}

function versionOf(name) {
  const catalog = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8');
  const line = catalog.split('\n').find((text) => text.trim().startsWith(`'${name}':`));
  if (line === undefined) throw new Error(`${name} is not in the catalog of pnpm-workspace.yaml.`);
  return line.split(':')[1].trim();
}

function node(folder, args) {
  return run(process.execPath, args, folder);
}

function npx(folder, args) {
  return run(npmBin('npx'), ['--no-install', ...args], folder);
}

function npmBin(name) {
  return process.platform === 'win32' ? `${name}.cmd` : name;
}

/** The environment of a user's shell: without what pnpm and turbo, which run this script, tell their children. */
function userEnvironment() {
  const kept =
    /^npm_config_(registry|cache|userconfig|proxy|https_proxy|noproxy|ca|cafile|strict_ssl|_auth.*|\/\/.*)$/i;
  const added = ([name]) =>
    (/^npm_/i.test(name) && !kept.test(name)) || /^(APO_TFJS_NODE|NODE_PATH)$/.test(name);
  return Object.fromEntries(Object.entries(process.env).filter((entry) => !added(entry)));
}

/** Runs a program to its end and returns what it printed; its complaints go to ours. */
function run(command, args, cwd) {
  return execFileSync(command, args, {
    cwd,
    env: userEnvironment(),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 300_000,
    maxBuffer: 1 << 26,
  });
}

function lastLine(text) {
  return text.trim().split('\n').at(-1);
}

function report(what, outcome) {
  console.log(`${what}: ${outcome}`);
}

/** The same arithmetic on the same backend gives the same bits, however it was loaded. */
function requireSame(what, actual, expected) {
  const [a, b] = [JSON.parse(actual), JSON.parse(expected)];
  if (a.loss !== b.loss || a.learningRate !== b.learningRate) {
    throw new Error(`Training under ${what} ended at ${actual}, under ESM at ${expected}.`);
  }
}

/** Dawn's package in Node: absent, broken, and in the program's folder rather than beside this package. */
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadDawn } from './dawn.js';

/** This process, but for the package, which is in `folder` or nowhere: what finds modules by itself may find the real one. */
function processIn(folder: string): Parameters<typeof loadDawn>[0] {
  const entry = join(folder, 'node_modules', 'webgpu', 'index.js');
  const resolve = (): string => {
    if (!existsSync(entry)) throw new Error('not found');
    return entry;
  };
  const only = { createRequire: () => ({ resolve }) };
  const getBuiltinModule = (name: string): unknown =>
    name === 'node:module' ? only : process.getBuiltinModule(name);
  return {
    platform: 'linux',
    arch: 'x64',
    cwd: () => folder,
    getBuiltinModule: getBuiltinModule as NodeJS.Process['getBuiltinModule'],
  };
}

function folderWith(main?: string): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'apo-dawn-')));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  if (main !== undefined) {
    const inside = join(folder, 'node_modules', 'webgpu');
    mkdirSync(inside, { recursive: true });
    const manifest = { name: 'webgpu', version: '9.8.7', main: 'index.js', type: 'module' };
    writeFileSync(join(inside, 'package.json'), JSON.stringify(manifest));
    writeFileSync(join(inside, 'index.js'), main);
  }
  return folder;
}

test('absent: which package is missing and how it is installed', async () => {
  expect(await loadDawn(processIn(folderWith()), [])).toEqual({
    refusal: {
      reason: 'The npm package webgpu (Dawn, WebGPU for Node) is not installed.',
      remedy: 'Install it with "npm install webgpu".',
    },
  });
});

test('broken: its own words and the machine', async () => {
  const folder = folderWith(`throw new Error('dawn.node: cannot open shared object file');`);
  const result = await loadDawn(processIn(folder), []);
  if ('dawn' in result) throw new Error('expected a refusal');
  expect(result.refusal.reason).toBe(
    `The npm package webgpu in ${join(folder, 'node_modules', 'webgpu')} does not load: dawn.node: cannot open shared object file.`,
  );
  expect(result.refusal.remedy).toMatch(/^Install it again on this machine \(linux, x64\); /);
});

test('an instance that does not start is a refusal, too', async () => {
  const folder = folderWith(
    `export const globals = {}; export function create() { throw new Error('no such backend'); }`,
  );
  const result = await loadDawn(processIn(folder), ['backend=none']);
  expect('refusal' in result && result.refusal.reason).toMatch(/does not load: no such backend\.$/);
});

test('working: options reach it beside exact timestamps, and its globals and version come back', async () => {
  const folder = folderWith(
    `export const globals = { GPUThing: 1 }; export const create = (options) => ({ options });`,
  );
  const result = await loadDawn(processIn(folder), ['backend=vulkan']);
  expect(result).toMatchObject({
    dawn: {
      gpu: { options: ['backend=vulkan', 'disable-dawn-features=timestamp_quantization'] },
      globals: { GPUThing: 1 },
      version: '9.8.7',
    },
  });
  const own = ['disable-dawn-features=use_user_defined_labels_in_backend'];
  expect(await loadDawn(processIn(folder), own)).toMatchObject({ dawn: { gpu: { options: own } } });
});

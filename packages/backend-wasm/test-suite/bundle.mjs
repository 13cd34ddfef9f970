// Makes one CommonJS file of tfjs-core's tests, tfjs-core, tfjs-backend-wasm and this package's sources. tfjs-core is
// taken from its module sources everywhere, so that the tests, the backend and our kernels share one registry.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const packageFolder = (name) => dirname(require.resolve(`${name}/package.json`));

/** Where the backend's .wasm files are. */
export const wasmFolder = `${join(packageFolder('@tensorflow/tfjs-backend-wasm'), 'wasm-out')}/`;

/** @returns The path of the bundle, under node_modules, so that git and the tools leave it alone. */
export async function bundleTests() {
  const outfile = join(here, '../node_modules/.cache/tfjs-suite/program.cjs');
  const core = join(packageFolder('@tensorflow/tfjs-core'), 'dist/index.js');
  const wasm = join(packageFolder('@tensorflow/tfjs-backend-wasm'), 'dist/index.js');
  await build({
    entryPoints: [join(here, 'program.mjs')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    conditions: ['@apo/source', 'module'],
    // The test files are not in tfjs-core's list of files with side effects.
    ignoreAnnotations: true,
    // Not for Node, or absent: tests that need them are not registered.
    external: ['jasmine-core', 'jasmine-core/*', 'node-fetch'],
    logLevel: 'error',
    plugins: [oneCore(core, wasm)],
  });
  return outfile;
}

/** @apo/core's `#gradients` would bring TensorFlow.js's union package, a second copy of tfjs-core, into a bundle for Node. */
const oneCore = (core, wasm) => ({
  name: 'one-core',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^@tensorflow\/tfjs-core$/ }, () => ({ path: core }));
    onResolve({ filter: /^@tensorflow\/tfjs-backend-wasm$/ }, () => ({ path: wasm }));
    onResolve({ filter: /^#gradients$/ }, (given) =>
      resolve('@tensorflow/tfjs-core/dist/register_all_gradients.js', {
        kind: given.kind,
        resolveDir: given.resolveDir,
      }),
    );
  },
});

/** The WASM engine in a page, with its binary fetched from the server: the entry of a second Vite bundle. */
import * as tf from '@tensorflow/tfjs-core';
import * as core from '@apo/core';
import { wasmBackend } from '@apo/backend-wasm';
import { onWasm } from './program.mjs';

onWasm({ tf, core, wasm: { wasmBackend: () => wasmBackend({ wasmPaths: '/assets/' }) } }).then(
  (result) => globalThis.report(undefined, JSON.stringify(result)),
  (error) => globalThis.report(String(error?.stack ?? error)),
);

/** The vitest set-up file of the tests in a page: tfjs-wasm is told where its files are, which it finds by itself in Node. */
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { wasmFiles } from './wasm-files.js';

setWasmPaths(wasmFiles);

/** @apo/backend-wasm: training on the CPU from npm alone, in Node and in browsers. */
export { wasmBackend } from './adapter.js';
export type { WasmBackendOptions, WasmFile, WasmPaths } from './adapter.js';
export { installTrainingKernels, removeTrainingKernels, trainingKernelsInstalled } from './install.js';
export { trainingKernels } from './kernels/index.js';
export type { TrainingKernel } from './kernel.js';
export { chooseNativeBuild, nativeBuild } from './native/module.js';
export type { NativeBuild, SimdChoice } from './native/module.js';
export { stockKernel } from './stock.js';

/** @apo/backend-webgpu: training on a GPU through WebGPU, in pages and, through Dawn, in Node. */
export { webgpuBackend } from './adapter.js';
export type { WebgpuBackendOptions } from './adapter.js';
export { installTrainingKernels, removeTrainingKernels, trainingKernelsInstalled } from './install.js';
export type { KernelOptions } from './install.js';
export { trainingKernels } from './kernels/index.js';
export type { TrainingKernel } from './kernel.js';
export { stockKernel } from './stock.js';
export { canTimeGpu, gpuTime } from './measure/gpu-time.js';
export type { GpuTimeOptions } from './measure/gpu-time.js';
export { compareKernels, keepFasterKernels } from './measure/compare.js';
export type { CompareOptions, KernelComparison } from './measure/compare.js';

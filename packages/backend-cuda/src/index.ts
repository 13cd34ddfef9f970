/** @apo/backend-cuda: libtensorflow on NVIDIA GPUs, where @tensorflow/tfjs-node-gpu is installed and finds CUDA. */
export { cudaBackend } from './cuda-backend.js';
export type { CudaBackendOptions } from './cuda-backend.js';

/** @apo/backend-node: libtensorflow on the CPU, where @tensorflow/tfjs-node is installed and loads. */
export { nodeBackend } from './node-backend.js';
export type { NodeBackendOptions } from './node-backend.js';

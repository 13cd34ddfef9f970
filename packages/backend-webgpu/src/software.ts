/** Whether a graphics adapter computes on the CPU, where small tiles are best: its workgroups run one after the other, and its compiler is slow. */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';

/** What a software renderer calls itself in an adapter's info. */
export const SOFTWARE = /swiftshader|llvmpipe|lavapipe|basic render/i;

/** What the adapter was found to be, where this package opened the device; else by its architecture, the one thing that TensorFlow.js keeps. */
export function isSoftware(backend: WebGPUBackend & { readonly software?: boolean }): boolean {
  const { architecture = '' } = backend.adapterInfo as unknown as { architecture?: string };
  return backend.software ?? SOFTWARE.test(architecture);
}

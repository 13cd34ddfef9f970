/** Whether a graphics adapter computes on the CPU, where small tiles are best: its workgroups run one after the other, and its compiler is slow. */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';

/** What a software renderer calls itself in an adapter's info. */
export const SOFTWARE = /swiftshader|llvmpipe|lavapipe|basic render/i;

export function isSoftware({ adapterInfo }: WebGPUBackend): boolean {
  // TensorFlow.js keeps it for itself.
  const { architecture = '' } = adapterInfo as unknown as { architecture?: string };
  return SOFTWARE.test(architecture);
}

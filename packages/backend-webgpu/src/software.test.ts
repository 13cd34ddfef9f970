/** What counts as a software renderer: what the adapter was found to be, or its architecture where only that is known. */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { expect, test } from 'vitest';
import { isSoftware } from './software.js';

const backend = (architecture: string, software?: boolean): WebGPUBackend =>
  ({
    adapterInfo: { architecture },
    ...(software !== undefined && { software }),
  }) as unknown as WebGPUBackend;

test.each([
  // Mesa's llvmpipe tells its name in the driver's description alone, so that the device says it.
  ['', true, true],
  ['ampere', false, false],
  // Started by something else.
  ['swiftshader', undefined, true],
  ['ampere', undefined, false],
] as const)('architecture %j, found to be software: %s', (architecture, software, expected) => {
  expect(isSoftware(backend(architecture, software))).toBe(expected);
});

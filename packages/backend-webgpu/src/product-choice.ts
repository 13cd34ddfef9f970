/**
 * Which program computes a matrix product: TensorFlow.js's, or ours with or without subgroups. A program is chosen where it was measured to win, for results of few
 * numbers and for all others; on an adapter without measurements TensorFlow.js's stay.
 */
import { ApoError } from '@apo/core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { isSoftware } from './software.js';

export type ProductProgram = 'tfjs' | 'tiled' | 'subgroups';

export interface ProductPrograms {
  /** For results of at most `FEW` numbers, for which TensorFlow.js has programs of its own. */
  readonly few: ProductProgram;
  readonly many: ProductProgram;
}

/** Results of TensorFlow.js's program that adds up in a workgroup. */
export const FEW = 128;

let chosen: ProductPrograms | undefined;
let halfPrecision = false;

/** `undefined`: by what was measured for the kind of adapter. Gives what was chosen before. */
export function chooseProductPrograms(programs: ProductPrograms | undefined): ProductPrograms | undefined {
  const before = chosen;
  chosen = programs;
  return before;
}

export function chooseHalfPrecision(half: boolean): void {
  halfPrecision = half;
}

export function isHalfPrecision(): boolean {
  return halfPrecision;
}

/** The program for a result of `size` numbers. */
export function productProgram(backend: WebGPUBackend, size: number): ProductProgram {
  const { few, many } = chosen ?? (isSoftware(backend) ? MEASURED_ON_SOFTWARE : UNMEASURED);
  const program = size <= FEW ? few : many;
  // Only ours round to 16 bits.
  if (halfPrecision && program === 'tfjs') return 'tiled';
  return program === 'subgroups' && !backend.device.features.has('subgroups') ? 'tiled' : program;
}

/** On SwiftShader ours was 4 to 15 times as fast for many numbers and 290 times for few; handing on in subgroups gained nothing more. */
const MEASURED_ON_SOFTWARE: ProductPrograms = { few: 'tiled', many: 'tiled' };
const UNMEASURED: ProductPrograms = { few: 'tfjs', many: 'tfjs' };

/** @throws ApoError `UNSUPPORTED` when 16-bit factors are asked of a device or adapter without the feature. */
export function requireHalfPrecision({ features }: { readonly features: ReadonlySet<string> }): void {
  if (features.has('shader-f16')) return;
  throw new ApoError(
    'UNSUPPORTED',
    "halfPrecision is true, but the graphics adapter lacks the feature 'shader-f16'; leave the option out, or use another adapter or driver.",
  );
}

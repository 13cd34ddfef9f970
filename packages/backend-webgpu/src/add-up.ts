/** WGSL that adds up one number of each thread of a workgroup, in one order. */
import { WORKGROUP } from './compute.js';

/** A declaration that `ADD_UP` needs. */
export const PARTIAL = `var<workgroup> partial: array<f32, ${WORKGROUP}>;`;

/** Leaves the threads' `sum`s added up in `partial[0]`. */
export const ADD_UP = `
  partial[local] = sum;
  workgroupBarrier();
  for (var half = ${WORKGROUP / 2}u; half > 0u; half = half / 2u) {
    if (local < half) { partial[local] = partial[local] + partial[local + half]; }
    workgroupBarrier();
  }`;

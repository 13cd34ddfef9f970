/** WGSL that adds up one number of each thread of a workgroup, in one order. */
import { WORKGROUP } from './compute.js';

/** A declaration that `ADD_UP` needs. */
export const PARTIAL = `var<workgroup> partial: array<f32, ${WORKGROUP}>;`;

/** Of a row, and rows: their square is a workgroup. */
const SIDE = 16;

/** Leaves the threads' `sum`s added up in `partial[0]`, for the first thread: every sixteenth by one of sixteen threads, then these. */
export const ADD_UP = `
  partial[local] = sum;
  workgroupBarrier();
  if (local < ${SIDE}u) {
    for (var other = local + ${SIDE}u; other < ${WORKGROUP}u; other = other + ${SIDE}u) { sum = sum + partial[other]; }
    partial[local] = sum;
  }
  workgroupBarrier();
  if (local == 0u) {
    for (var other = 1u; other < ${SIDE}u; other = other + 1u) { sum = sum + partial[other]; }
    partial[0] = sum;
  }`;

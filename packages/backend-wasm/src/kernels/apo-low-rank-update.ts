/**
 * ApoLowRankUpdate: θ − η P g, or P g, for one block of a low-rank preconditioner, in three passes over its rows; T lies where
 * the result will. See `LowRankKernelAttributes` of @apo/core.
 */
import type { LowRankKernelAttributes } from '@apo/core';
import { allocate, floats } from '../heap.js';
import { defineKernel } from '../kernel.js';
import {
  canRun,
  gemmSpace,
  lowRankBlock,
  partialSums,
  pieces,
  projection,
  roleOf,
  rowsOf,
  runWithSpace,
  splitRows,
} from '../low-rank.js';
import type { LowRankInputs } from '../low-rank.js';
import { nativeFunctions } from '../native/module.js';
import { job } from '../threads/parallel.js';
import type { Job } from '../threads/pool.js';

export const apoLowRankUpdate = defineKernel<LowRankInputs, LowRankKernelAttributes>(
  'ApoLowRankUpdate',
  ({ inputs, attrs: { count, place }, backend }) => {
    if (!canRun(backend, inputs)) return [];
    const gradients = roleOf(inputs, 'gradient', count);
    const outputs = gradients.map(({ shape }) => allocate(backend, shape));
    const block = lowRankBlock(backend, inputs, place);
    const { m, n, rank, rate } = block;
    const [rA, rB] = [block.columns.rank, block.rows.rank];
    const parts = splitRows(backend, block, count > 1);
    const partFloats = partialSums(block);
    const [left, nextLeft, right, sums] = pieces(backend, 'low-rank update', [
      m * rank,
      m * rank,
      rank * n,
      partFloats * parts.length,
    ]) as [number, number, number, number];
    const { work, bytes } = gemmSpace(backend, block);
    // After the last allocation.
    const g = rowsOf(backend, gradients);
    const out = rowsOf(backend, outputs);
    const theta =
      inputs['variable0'] === undefined
        ? { rows: 0, extra: 0 }
        : rowsOf(backend, roleOf(inputs, 'variable', count));
    const decay = inputs['decay'] === undefined ? 0 : floats(backend, inputs['decay'])[0]!;
    const sumOf = (part: number): number => sums + 4 * partFloats * part;
    const smallOf = (part: number): number => sumOf(part) + 4 * rB * n;
    const run = (jobs: readonly Job[]): void => runWithSpace(backend, bytes, jobs);
    /** [Fᵀ; Hᵀ X (I + F′ Fᵀ)] from the sums of every part. */
    const combine = (f: number): void => {
      nativeFunctions(backend)!.lowRankCombine(
        n,
        rA,
        f,
        rB,
        sumOf(0),
        smallOf(0),
        parts.length,
        4 * partFloats,
        right,
        work,
        false,
      );
    };

    if (rank > 0) {
      run(projection(block, parts, g, left, sums, work));
      combine(block.columns.v);
    }
    run(
      parts.map(({ index, start, count: rows, hasExtra }) =>
        job(
          'lowRankRotate',
          rows,
          n,
          g.rows + 4 * n * start,
          hasExtra ? g.extra : 0,
          out.rows + 4 * n * start,
          out.extra,
          block.scale + 4 * n * start,
          left + 4 * rank * start,
          right,
          rA,
          block.columns.v,
          rB,
          block.rows.v + 4 * rB * start,
          block.rows.u + 4 * rB * start,
          nextLeft + 4 * rank * start,
          sumOf(index),
          smallOf(index),
          work,
          false,
        ),
      ),
    );
    if (rank > 0) combine(block.columns.u);
    run(
      parts.map(({ start, count: rows, hasExtra }) =>
        job(
          'lowRankStep',
          rows,
          n,
          out.rows + 4 * n * start,
          hasExtra ? out.extra : 0,
          theta.rows === 0 ? 0 : theta.rows + 4 * n * start,
          theta.extra,
          nextLeft + 4 * rank * start,
          right,
          rank,
          1 - rate * decay,
          rate,
          work,
          false,
        ),
      ),
    );
    return outputs;
  },
);

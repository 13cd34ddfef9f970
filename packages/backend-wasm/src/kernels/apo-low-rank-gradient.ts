/**
 * ApoLowRankGradient: the vector–Jacobian product of one block of a low-rank preconditioner, in three passes over the rows of g
 * and v. See `LowRankKernelAttributes` of @apo/core.
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
import { pointerTo } from '../native/pointers.js';
import { job } from '../threads/parallel.js';
import type { Job } from '../threads/pool.js';

export const apoLowRankGradient = defineKernel<LowRankInputs, LowRankKernelAttributes>(
  'ApoLowRankGradient',
  ({ inputs, attrs: { count, place }, backend }) => {
    if (!canRun(backend, inputs)) return [];
    const native = nativeFunctions(backend)!;
    const shapes = ['scale', 'columnU', 'columnV', 'rowU', 'rowV'].map((name) => inputs[name]?.shape);
    const gradients = shapes.map((shape) => shape && allocate(backend, shape));
    const inner = allocate(backend, []);
    const block = lowRankBlock(backend, inputs, place);
    const { m, n, rank, columns, rows } = block;
    const [rA, rB] = [columns.rank, rows.rank];
    const parts = splitRows(backend, block, count > 1);
    const partFloats = partialSums(block);
    const sumFloats = native.lowRankGradientSums(n, rA, rB);
    const [leftG, leftV, rightG, rightV, firstG, firstV, sums, turnedG, turnedV, fT, fN] = pieces(
      backend,
      'low-rank gradient',
      [
        m * rank,
        m * rank,
        rank * n,
        rank * n,
        partFloats * parts.length,
        partFloats * parts.length,
        sumFloats * parts.length,
        rB * n,
        rB * n,
        rA * rB,
        rA * rB,
      ],
    ) as Eleven;
    const { work, bytes } = gemmSpace(backend, block, native.lowRankGradientSpace(n, rA));
    // After the last allocation.
    const g = rowsOf(backend, roleOf(inputs, 'gradient', count));
    const v = rowsOf(backend, roleOf(inputs, 'cotangent', count));
    const [byScale, byColumnU, byColumnV, byRowU, byRowV] = gradients.map((tensor) =>
      tensor === undefined ? 0 : pointerTo(backend, tensor),
    ) as [number, number, number, number, number];
    const factor = -block.rate;
    const run = (jobs: readonly Job[]): void => runWithSpace(backend, bytes, jobs);
    const combine = (first: number, right: number, turned: number): void => {
      const small = first + 4 * rB * n;
      const stride = 4 * partFloats;
      native.lowRankCombine(n, rA, columns.v, rB, first, small, parts.length, stride, right, work, false);
      native.lowRankTurn(rB, n, right + 4 * rA * n, turned);
    };

    if (rank > 0) {
      run([
        ...projection(block, parts, g, leftG, firstG, work),
        ...projection(block, parts, v, leftV, firstV, work),
      ]);
      combine(firstG, rightG, turnedG);
      combine(firstV, rightV, turnedV);
    }
    run(
      parts.map(({ index, start, count: height, hasExtra }) =>
        job(
          'lowRankGradientRows',
          height,
          n,
          g.rows + 4 * n * start,
          hasExtra ? g.extra : 0,
          v.rows + 4 * n * start,
          v.extra,
          block.scale + 4 * n * start,
          byScale + 4 * n * start,
          leftG + 4 * rank * start,
          leftV + 4 * rank * start,
          rightG,
          rightV,
          rA,
          columns.v,
          rB,
          rows.v + 4 * rB * start,
          turnedG,
          turnedV,
          byRowV + 4 * rB * start,
          sums + 4 * sumFloats * index,
          factor,
          work,
          false,
        ),
      ),
    );
    // What was turned for the second pass is not needed any more.
    const total = native.lowRankGradientCombine(
      n,
      rA,
      rB,
      sums,
      parts.length,
      firstG,
      firstG + 4 * rB * n,
      firstV,
      firstV + 4 * rB * n,
      columns.v,
      byColumnU,
      byColumnV,
      turnedV,
      turnedG,
      fT,
      fN,
      factor,
      work,
      false,
    );
    if (rB > 0) {
      run(
        parts.map(({ start, count: height, hasExtra }) =>
          job(
            'lowRankGradientLeft',
            height,
            n,
            g.rows + 4 * n * start,
            hasExtra ? g.extra : 0,
            v.rows + 4 * n * start,
            v.extra,
            rA,
            rB,
            turnedV,
            turnedG,
            fT,
            fN,
            leftG + 4 * rank * start,
            leftV + 4 * rank * start,
            byRowU + 4 * rB * start,
            factor,
            work,
            false,
          ),
        ),
      );
    }
    floats(backend, inner)[0] = total;
    return [...gradients.flatMap((tensor) => tensor ?? []), inner];
  },
);

type Eleven = [number, number, number, number, number, number, number, number, number, number, number];

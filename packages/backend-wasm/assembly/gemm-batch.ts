/** Several products of one shape whose operands lie at equal distances, so that a batch is one call. */
import { gemm } from './gemm';

/**
 * `count` products as `gemm` computes them, the operands of each `aStep`, `bStep` and `cStep` bytes after those of the one
 * before; a step of 0 repeats an operand. C's must not overlap.
 */
export function gemmBatch(
  count: usize,
  aStep: usize,
  bStep: usize,
  cStep: usize,
  m: usize,
  n: usize,
  k: usize,
  a: usize,
  aStride: usize,
  transposeA: bool,
  b: usize,
  bStride: usize,
  transposeB: bool,
  c: usize,
  cRowBytes: usize,
  cColumnBytes: usize,
  accumulate: bool,
  epilogue: usize,
  firstColumn: usize,
  work: usize,
  fence: bool,
): void {
  for (let i: usize = 0; i < count; i++) {
    gemm(
      m,
      n,
      k,
      a + i * aStep,
      aStride,
      transposeA,
      b + i * bStep,
      bStride,
      transposeB,
      c + i * cStep,
      cRowBytes,
      cColumnBytes,
      accumulate,
      epilogue,
      firstColumn,
      work,
      fence,
    );
  }
}

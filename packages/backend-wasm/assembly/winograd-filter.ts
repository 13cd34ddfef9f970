/** The filter's side of Winograd's minimal filtering (`winograd-transform.ts`): 3×3 elements to 4×4 planes, and back for its gradient. */
import { multiplyAdd } from './multiply-add';

/**
 * (g0, g1, g2) ↦ (g0, (g0 + g1 + g2)/2, (g0 − g1 + g2)/2, g2) along both axes, for `count` elements side by side, a multiple of four:
 * those of one position of the window. Rows of the window are `rowBytes` apart and its columns `columnBytes`, negative for a filter that is
 * turned by 180°. `work` has 192 bytes.
 */
export function winogradFilter(
  filter: usize,
  rowBytes: isize,
  columnBytes: isize,
  count: usize,
  planes: usize,
  planeBytes: usize,
  work: usize,
): void {
  for (let at: usize = 0; at < count * 4; at += 16) {
    for (let v: usize = 0; v < 3; v++) {
      widen(filter + at + v * columnBytes, rowBytes, work + v * 16, 48);
    }
    for (let i: usize = 0; i < 4; i++) {
      widen(work + i * 48, 16, planes + at + 4 * i * planeBytes, planeBytes);
    }
  }
}

function widen(from: usize, fromStep: usize, to: usize, toStep: usize): void {
  const g0 = v128.load(from);
  const g1 = v128.load(from + fromStep);
  const g2 = v128.load(from + 2 * fromStep);
  const ends = f32x4.add(g0, g2);
  const half = f32x4.splat(0.5);
  v128.store(to, g0);
  v128.store(to + toStep, f32x4.mul(f32x4.add(ends, g1), half));
  v128.store(to + 2 * toStep, f32x4.mul(f32x4.sub(ends, g1), half));
  v128.store(to + 3 * toStep, g2);
}

/**
 * The gradient of a filter from its 16 planes: (m0, m1, m2, m3) ↦ (m0 + m1 + m2, m1 − m2, m1 + m2 − m3) along both axes, for `count`
 * elements, a multiple of four. Planes of `parts` sums that lie one after the other are added. `work` has 448 bytes. Returns 0, or NaN
 * where an element is not finite.
 */
export function winogradFilterGradient(
  planes: usize,
  planeBytes: usize,
  parts: usize,
  count: usize,
  dw: usize,
  work: usize,
): f32 {
  const zero = f32x4.splat(0);
  let verdict = zero;
  const lines = work + 256;
  for (let at: usize = 0; at < count * 4; at += 16) {
    for (let plane: usize = 0; plane < 16; plane++) {
      let from = planes + at + plane * planeBytes;
      let sum = v128.load(from);
      for (let part: usize = 1; part < parts; part++) {
        from += 16 * planeBytes;
        sum = f32x4.add(sum, v128.load(from));
      }
      v128.store(work + plane * 16, sum);
    }
    for (let j: usize = 0; j < 4; j++) narrow(work + j * 16, 64, lines + j * 16, 64);
    for (let u: usize = 0; u < 3; u++) {
      const to = dw + at + 3 * u * count * 4;
      narrow(lines + u * 64, 16, to, count * 4);
      for (let v: usize = 0; v < 3; v++) verdict = multiplyAdd(v128.load(to + v * count * 4), zero, verdict);
    }
  }
  return sumOfLanes(verdict);
}

function narrow(from: usize, fromStep: usize, to: usize, toStep: usize): void {
  const m0 = v128.load(from);
  const m1 = v128.load(from + fromStep);
  const m2 = v128.load(from + 2 * fromStep);
  const m3 = v128.load(from + 3 * fromStep);
  const sum = f32x4.add(m1, m2);
  v128.store(to, f32x4.add(m0, sum));
  v128.store(to + toStep, f32x4.sub(m1, m2));
  v128.store(to + 2 * toStep, f32x4.sub(sum, m3));
}

/** The sum of the four elements of a vector. */
export function sumOfLanes(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3)
  );
}

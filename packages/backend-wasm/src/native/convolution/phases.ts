/**
 * The adjoint of a strided convolution as convolutions at stride 1. Along an axis, the input positions h with the same remainder
 * of (h + p) / s, a phase, meet the same elements of the filter, every s-th, so their gradient is a convolution of dy with those
 * elements in reverse. At stride 1 there is one phase.
 */
import type { Axis } from '../../geometry.js';
import type { Cover } from './cover.js';

/** One phase of an axis: dx at `first`, `first` + s, …, `count` of them, from the filter's elements in `taps`. */
export interface Phase {
  readonly first: number;
  readonly count: number;
  /** Rotated: the last comes first. */
  readonly taps: readonly number[];
  /** What these positions see of dy. */
  readonly cover: Cover;
}

function phasesOf({ input, output, window, stride, dilation, pad }: Axis): Phase[] {
  const phases: Phase[] = [];
  for (let first = 0; first < Math.min(stride, input); first++) {
    const remainder = (first + pad) % stride;
    const taps: number[] = [];
    for (let u = remainder; u < window; u += stride) taps.unshift(u);
    const count = Math.ceil((input - first) / stride);
    // dx[first] meets dy[base − t·dilation] by its t-th tap. Dilated convolutions have stride 1.
    const base = (first + pad - remainder) / stride;
    const reach = (taps.length - 1) * dilation;
    phases.push({ first, count, taps, cover: { input: output, start: base - reach, extent: count + reach } });
  }
  return phases;
}

/** The pairs of phases that see dy; `complete` when there is no other, so that they cover the whole input. */
export function phasePairs(
  height: Axis,
  width: Axis,
): { readonly pairs: { readonly rows: Phase; readonly columns: Phase }[]; readonly complete: boolean } {
  const all = phasesOf(height).flatMap((rows) => phasesOf(width).map((columns) => ({ rows, columns })));
  const pairs = all.filter(({ rows, columns }) => rows.taps.length * columns.taps.length > 0);
  return { pairs, complete: pairs.length === all.length };
}

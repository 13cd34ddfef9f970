/**
 * A permutation of axes as a loop over copies of runs or over transposes of matrices, by our module. Axes of one element are
 * left out, and neighbours that stay neighbours are one axis.
 */
import { sizeOf } from './heap.js';
import type { NativeFunctions } from './native/modules.generated.js';

/** An axis of the output, strides in elements. */
interface MovedAxis {
  readonly extent: number;
  readonly from: number;
  readonly to: number;
}

const SINGLE: MovedAxis = { extent: 1, from: 0, to: 0 };

/** Writes the tensor of four-byte elements at the address `x` to the address `y`, output axis i being input axis perm[i]. */
export function permute(
  native: NativeFunctions,
  x: number,
  y: number,
  shape: readonly number[],
  perm: readonly number[],
): void {
  const axes = movedAxes(shape, perm);
  const last = axes[axes.length - 1];
  if (last === undefined || last.from === 1) {
    const run = last?.extent ?? 1;
    const [a, b, c] = [SINGLE, SINGLE, SINGLE, ...axes.slice(0, -1)].slice(-3) as [
      MovedAxis,
      MovedAxis,
      MovedAxis,
    ];
    each(axes.slice(0, Math.max(0, axes.length - 4)), x, y, (from, to) => {
      native.copyRuns(from, to, a.extent, 4 * a.from, b.extent, 4 * b.from, c.extent, 4 * c.from, 4 * run);
    });
    return;
  }
  // The input's innermost axis becomes rows of the output, the output's innermost one is rows of the input.
  const columns = axes.find(({ from }) => from === 1)!;
  const outer = axes.filter((axis) => axis !== columns && axis !== last);
  const planes = outer.pop() ?? SINGLE;
  each(outer, x, y, (from, to) => {
    native.transposePlanes(
      from,
      last.from,
      planes.from,
      to,
      columns.to,
      planes.to,
      planes.extent,
      last.extent,
      columns.extent,
    );
  });
}

function movedAxes(shape: readonly number[], perm: readonly number[]): MovedAxis[] {
  const axes: MovedAxis[] = [];
  const size = sizeOf(shape);
  let to = size;
  for (const axis of perm) {
    const extent = shape[axis]!;
    if (extent === 1) continue;
    to /= extent;
    const from = sizeOf(shape.slice(axis + 1));
    const before = axes[axes.length - 1];
    if (before?.from === from * extent) axes[axes.length - 1] = { extent: before.extent * extent, from, to };
    else axes.push({ extent, from, to });
  }
  return axes;
}

/** Visits the addresses where each combination of positions along `axes` begins. */
function each(axes: readonly MovedAxis[], x: number, y: number, visit: (x: number, y: number) => void): void {
  const [axis, ...inner] = axes;
  if (axis === undefined) {
    visit(x, y);
    return;
  }
  for (let i = 0; i < axis.extent; i++) each(inner, x + 4 * i * axis.from, y + 4 * i * axis.to, visit);
}

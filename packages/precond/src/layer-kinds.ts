/**
 * What a variable is to a preconditioner, from its name and shape: which axes of it make the rows of a matrix, which sides of
 * that matrix get a factor, and which bias belongs to it. Conventions of TensorFlow.js layers and of `layer/kernel`, `layer/bias`.
 */
import { extent, product } from './matricize.js';
import type { NamedShape } from './matricize.js';

/** Which sides of a matrix may have a factor; the others keep I. */
export type Sides = 'both' | 'columns' | 'rows' | 'none';

export interface LayerKind {
  /** Axes that make the rows; the others make the columns. */
  readonly rows: readonly number[];
  readonly sides: Sides;
}

/** Vectors, and what a normalisation or an activation learns: one number for each feature. */
const PER_FEATURE = /(^|\/)(gamma|beta|alpha)(_\d+)?$/i;
const DEPTHWISE = /depthwise/i;
const TRANSPOSED = /transpose|deconv/i;
const EMBEDDING = /embedding/i;
const HEADS_OUT = /query|key|value|(^|\/)qkv/i;

/**
 * - lone vectors and scalars, `gamma`, `beta`, `alpha`: one row, no factors (a diagonal);
 * - dense `[in, out]`, conv1d `[k, in, out]`, conv2d `[kh, kw, in, out]`, conv3d: all axes but the last make rows;
 * - depthwise `[kh, kw, in, multiplier]`: rows kh·kw, columns in·multiplier, which is also how its bias is laid out;
 * - transposed convolution `[kh, kw, out, in]`: columns are the output channels;
 * - embedding `[vocabulary, dim]` without a bias: a factor on dim only;
 * - query, key and value projections `[d, heads, dh]`: rows d, columns heads·dh; output projections `[heads, dh, d]` are like conv1d.
 */
export function layerKind({ name, shape }: NamedShape, hasBias: boolean): LayerKind {
  const rank = shape.length;
  if (rank <= 1 || PER_FEATURE.test(name)) return { rows: [], sides: 'none' };
  const allBut = (axis: number): number[] => shape.map((_, i) => i).filter((i) => i !== axis);
  if (rank >= 4 && DEPTHWISE.test(name)) return { rows: allBut(rank - 1).slice(0, -1), sides: 'both' };
  if (rank >= 4 && TRANSPOSED.test(name)) return { rows: allBut(rank - 2), sides: 'both' };
  if (rank === 2 && EMBEDDING.test(name) && !hasBias) return { rows: [0], sides: 'columns' };
  if (rank === 3 && HEADS_OUT.test(name)) return { rows: [0], sides: 'both' };
  return { rows: allBut(rank - 1), sides: 'both' };
}

/** A word of the last part of a name that says "kernel", with what stands before and after it. */
const KERNEL = /^(.*\/)?(\w*?)(kernel|weights?)(\w*)$/i;

/**
 * Each bias with the kernel of its layer: `X/bias` with `X/kernel` or `X/weight`, `X/depthwise_bias` with `X/depthwise_kernel`;
 * a lone `X/bias` beside several kernels goes to the plain one, else to the last that it fits.
 * @returns The bias of each kernel that has one, by the kernel's name.
 */
export function pairBiases(variables: readonly NamedShape[]): ReadonlyMap<string, NamedShape> {
  const named = new Map(variables.map((variable) => [variable.name, variable]));
  const pairs = new Map<string, NamedShape>();
  const taken = new Set<string>();
  const pair = (kernel: NamedShape, biasName: string): void => {
    const bias = named.get(biasName);
    if (!bias || taken.has(biasName) || pairs.has(kernel.name) || !fits(kernel, bias)) return;
    pairs.set(kernel.name, bias);
    taken.add(biasName);
  };
  const parts = variables.flatMap((kernel) => {
    const match = KERNEL.exec(kernel.name);
    return match ? [{ kernel, layer: match[1] ?? '', before: match[2]!, after: match[4]! }] : [];
  });
  for (const { kernel, layer, before, after } of parts) pair(kernel, `${layer}${before}bias${after}`);
  for (const { kernel, layer, after } of parts.toReversed()) pair(kernel, `${layer}bias${after}`);
  return pairs;
}

/** Whether a bias is as long as the kernel's matrix is wide. */
function fits(kernel: NamedShape, bias: NamedShape): boolean {
  const { rows, sides } = layerKind(kernel, true);
  const columns = kernel.shape.map((_, axis) => axis).filter((axis) => !rows.includes(axis));
  return sides === 'both' && product(bias.shape) === extent(kernel, columns);
}

/** The layer of a variable: its name without the last part. */
export function layerName(variableName: string): string {
  return variableName.includes('/') ? variableName.slice(0, variableName.lastIndexOf('/')) : variableName;
}

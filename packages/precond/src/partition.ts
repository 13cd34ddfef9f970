/** Which block each variable gets: by shape and name, by the options, and by overrides for names that match a pattern. */
import { requireArgument, requireInteger } from '@apo/core';
import { kroneckerBlock } from './blocks/kronecker.js';
import type { Block } from './blocks/block.js';
import { withRotation } from './blocks/rotated.js';
import { blockDiagonalFactor } from './factors/block-diagonal.js';
import type { Factor } from './factors/factor.js';
import { fullFactor } from './factors/full.js';
import { identityFactor } from './factors/identity.js';
import { lowRankFactor } from './factors/low-rank.js';
import { layerKind, layerName, pairBiases } from './layer-kinds.js';
import type { Sides } from './layer-kinds.js';
import { layerLayout } from './matricize.js';
import type { MatrixLayout, NamedShape } from './matricize.js';

/** What A and B are: I + U Vᵀ, whole matrices (the paper), matrices along the diagonal, or I. */
export type PreconditionerForm = 'low-rank' | 'full' | 'block' | 'diagonal';

const forms: readonly PreconditionerForm[] = ['low-rank', 'full', 'block', 'diagonal'];

export interface BlockOptions {
  /** Default `low-rank`. */
  readonly form?: PreconditionerForm;
  /** r of the low-rank form, ≥ 1. Default 16. A side of at most 2 r gets a whole matrix, which is no larger then. */
  readonly rank?: number;
  /** Largest block of the block form, ≥ 1. Default 64. */
  readonly blockSize?: number;
  /** A longer side of the full form keeps I on that side. Default 4096. */
  readonly maxBlockSize?: number;
  /** Make the bias one more row of its kernel's matrix. Default true. */
  readonly foldBias?: boolean;
  /**
   * Compute R = BᵀGA as (X̄B)ᵀ(ΔA) in a dense layer that sees few rows, where that takes fewer operations: where a
   * side has a whole matrix longer than 64, or is cut into blocks of any size. Default true.
   */
  readonly batchRotation?: boolean;
}

/** Other options for the variables whose names match; `sides` and `rows` replace what the name and shape say. */
export interface PartitionOverride {
  /** The first override whose pattern matches a variable's name holds for it. */
  readonly pattern: RegExp;
  readonly block: BlockOptions & {
    /** Which sides of the matrix get a factor. */
    readonly sides?: Sides;
    /** The axes that make the rows of the matrix; the others make the columns. */
    readonly rows?: readonly number[];
  };
}

export interface PartitionOptions extends BlockOptions {
  readonly overrides?: readonly PartitionOverride[];
}

/** One block of P, and where its variables lie in the block's matrix. */
export interface PlacedBlock {
  /** The prefix of its entries of φ: the layer when the bias is folded in, else the variable. */
  readonly name: string;
  readonly layout: MatrixLayout;
  readonly block: Block;
}

/**
 * The blocks of P for these variables, in their order. A variable that several layers share is one variable and has one block.
 * @throws ApoError `INVALID_ARGUMENT` for an option out of range, or an override that matches no variable or does not fit.
 */
export function partitionBlocks(
  variables: readonly NamedShape[],
  { overrides = [], ...options }: PartitionOptions = {},
): PlacedBlock[] {
  checkPartitionOptions({ ...options, overrides });
  const overrideOf = (name: string): PartitionOverride | undefined =>
    overrides.find(({ pattern }) => name.search(pattern) >= 0);
  requireMatches(overrides, variables);

  const biases = new Map(
    [...pairBiases(variables)].filter(([kernel, bias]) => {
      const own = overrideOf(kernel);
      const ofBias = overrideOf(bias.name);
      return (own?.block.foldBias ?? options.foldBias ?? true) && (ofBias === undefined || ofBias === own);
    }),
  );
  const folded = new Set([...biases.values()].map(({ name }) => name));
  // A layer's name may be that of another variable; the kernel's own name cannot.
  const taken = new Set(variables.map(({ name }) => name));
  return variables
    .filter(({ name }) => !folded.has(name))
    .map((variable) => {
      const bias = biases.get(variable.name);
      const layer = layerName(variable.name);
      const name = bias && !taken.has(layer) ? layer : variable.name;
      taken.add(name);
      return place(name, variable, bias, { ...options, ...overrideOf(variable.name)?.block });
    });
}

/** @throws ApoError `INVALID_ARGUMENT` for an option out of range, whatever the variables are. */
export function checkPartitionOptions({ overrides = [], ...options }: PartitionOptions): void {
  checkBlockOptions(options);
  for (const { block } of overrides) checkBlockOptions(block);
}

function place(
  name: string,
  variable: NamedShape,
  bias: NamedShape | undefined,
  options: PartitionOverride['block'],
): PlacedBlock {
  const kind = layerKind(variable, bias !== undefined);
  const { rows = kind.rows, sides = kind.sides } = options;
  requireArgument(
    new Set(rows).size === rows.length && rows.every((axis) => variable.shape[axis] !== undefined),
    () =>
      `The override of "${variable.name}" makes rows of the axes ${rows.join(', ')}; the variable is [${variable.shape.join(', ')}].`,
  );
  const layout = layerLayout(variable, rows, bias);
  const [m, n] = layout.shape;
  const columns = sides === 'both' || sides === 'columns' ? factor(`${name}.A`, n, options) : identityFactor;
  const ofRows = sides === 'both' || sides === 'rows' ? factor(`${name}.B`, m, options) : identityFactor;
  const factors = { columns, rows: ofRows };
  const block = kroneckerBlock(`${name}.S`, layout.shape, factors);
  // An engine's own kernels for low rank take the gradient whole, and a kernel of rank 4 is not that of a dense layer.
  const rotates =
    options.batchRotation !== false &&
    block.lowRank === undefined &&
    layout.inOrder &&
    variable.shape.length < 4;
  return { name, layout, block: rotates ? withRotation(block, `${name}.S`, layout.shape, factors) : block };
}

/** The factor of one side. A side of length one has none, since S scales it already. */
function factor(entry: string, size: number, options: BlockOptions): Factor {
  const { form = 'low-rank', rank = 16, blockSize = 64, maxBlockSize = 4096 } = options;
  if (size === 1) return identityFactor;
  switch (form) {
    case 'diagonal':
      return identityFactor;
    case 'low-rank':
      return size <= 2 * rank ? fullFactor(entry, size) : lowRankFactor(entry, size, rank);
    case 'block':
      return size <= blockSize ? fullFactor(entry, size) : blockDiagonalFactor(entry, size, blockSize);
    case 'full':
      return size <= maxBlockSize ? fullFactor(entry, size) : identityFactor;
    default:
      return form satisfies never;
  }
}

function checkBlockOptions({ form, rank, blockSize, maxBlockSize }: BlockOptions): void {
  requireArgument(
    form === undefined || forms.includes(form),
    () => `form is "${String(form)}"; expected one of ${forms.join(', ')}.`,
  );
  if (rank !== undefined) requireInteger('rank', rank, 1);
  if (blockSize !== undefined) requireInteger('blockSize', blockSize, 1);
  if (maxBlockSize !== undefined) requireInteger('maxBlockSize', maxBlockSize, 1);
}

function requireMatches(overrides: readonly PartitionOverride[], variables: readonly NamedShape[]): void {
  for (const { pattern } of overrides) {
    requireArgument(
      variables.some(({ name }) => name.search(pattern) >= 0),
      () =>
        `The override ${String(pattern)} matches no variable; there are ${variables
          .slice(0, 8)
          .map(({ name }) => name)
          .join(', ')}${variables.length > 8 ? ', …' : ''}.`,
    );
  }
}
